"""The shape of the repository and of what is shipped from it."""

import email
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

LONGEST_FILE = 350


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, without network and without an environment of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


def test_standard_library_comes_first(root: Path) -> None:
    """At the root of the repository, where a folder is called `operator`, Python finds its own module of that name."""
    assert not (root / "operator" / "__init__.py").exists()
    code = "import collections, operator; print(operator.add(1, 2))"
    run = subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True)
    assert run.stdout == "3\n"


def test_wheel_holds_the_product_alone(root: Path, committed: tuple[Path, ...], wheel: Path) -> None:
    """The wheel holds all of `dubbo_registrar` and nothing else: no tests, no test bed."""
    package = {str(path.relative_to("operator")) for path in committed if path.is_relative_to("operator")}
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())

    assert package <= names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"dubbo_registrar"}


def test_wheel_needs_kazoo_alone(wheel: Path) -> None:
    """Without an extra the wheel is the registry client: kazoo is all it brings along."""
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    needed = map(Requirement, metadata.get_all("Requires-Dist", []))

    assert [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})] == ["kazoo"]


def test_files_are_short(root: Path, committed: tuple[Path, ...]) -> None:
    """No file of the product or of the test bed is too long to be read in one go."""
    sources = [path for path in committed if path.suffix == ".py" and path.parts[0] in {"operator", "testbed"}]
    lengths = {str(path): len((root / path).read_text().splitlines()) for path in sources}

    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}
