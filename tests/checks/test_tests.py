"""The rules that the tests themselves keep."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

# A test that is skipped or expected to fail says nothing; one that sleeps is slow, and wrong on a slow machine.
FORBIDDEN = {"skip", "skipif", "xfail", "importorskip", "sleep"}


@pytest.fixture(scope="module")
def modules(root: Path, committed: tuple[Path, ...]) -> dict[Path, ast.Module]:
    """Parse every module under `tests/`."""
    paths = [path for path in committed if path.suffix == ".py" and path.parts[0] == "tests"]
    return {path: ast.parse((root / path).read_text()) for path in paths}


def forbidden(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of each forbidden function that a module uses or imports."""
    for node in ast.walk(module):
        match node:
            # asyncio.sleep(0) only lets the other tasks run.
            case ast.Call(func=ast.Attribute(attr="sleep") as sleep, args=[ast.Constant(value=0)]):
                sleep.attr = "yield"
            case ast.Attribute(attr=name) | ast.alias(name=name) if name in FORBIDDEN:
                yield node.lineno, name


def test_each_test_states_a_behaviour(modules: dict[Path, ast.Module]) -> None:
    """Each test function has a docstring: the behaviour it stands for, in a sentence."""
    silent = [
        f"{path}:{node.lineno}: {node.name}"
        for path, module in modules.items()
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test")
        and not ast.get_docstring(node)
    ]

    assert silent == []


def test_tests_neither_skip_nor_sleep(modules: dict[Path, ast.Module]) -> None:
    """Each test runs everywhere and waits for conditions, never for time to pass."""
    uses = [f"{path}:{line}: {name}" for path, module in modules.items() for line, name in forbidden(module)]

    assert uses == []
