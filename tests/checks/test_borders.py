"""What each half of the product can do without. The import contracts in pyproject.toml say it, this shows it.

Each time a fresh interpreter without site-packages imports the modules: what it finds is what it was given.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

PURE = ("conditions", "desired", "dubbo", "errors", "expansion", "model", "pace", "plan", "reporting")

IMPORT_ALL = """
import importlib, sys
sys.path += sys.argv[1].split(":")
for name in sys.argv[2:]:
    importlib.import_module(name)
"""


def modules(root: Path, *names: str) -> list[str]:
    """Return the full names of modules of the product, and of all that is in those that are packages."""
    source = root / "operator"
    inner = [path for name in names for path in (source / "dubbo_registrar" / name).rglob("[!_]*.py")]
    return [
        *(f"dubbo_registrar.{name}" for name in names),
        *(".".join(path.relative_to(source).with_suffix("").parts) for path in inner),
    ]


def import_all(names: Iterable[str], *, given: Iterable[Path]) -> None:
    """Import modules in an interpreter that has the standard library and the given folders, and nothing else."""
    folders = ":".join(map(str, given))
    command = [sys.executable, "-I", "-S", "-c", IMPORT_ALL, folders, *names]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_core_needs_no_third_party(root: Path) -> None:
    """The rules of Dubbo and the plan can be read, run and tested with Python alone."""
    import_all(modules(root, *PURE), given=[root / "operator"])


def test_registry_client_needs_kazoo_alone(root: Path, tmp_path: Path) -> None:
    """The registry client is usable where neither kopf nor a Kubernetes client is installed."""
    kazoo = importlib.util.find_spec("kazoo")
    assert kazoo is not None
    assert kazoo.origin is not None
    (tmp_path / "kazoo").symlink_to(Path(kazoo.origin).parent)
    import_all(modules(root, "registry"), given=[root / "operator", tmp_path])
