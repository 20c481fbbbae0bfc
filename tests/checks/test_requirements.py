"""The locks in `requirements/` say what pyproject.toml asks for. Compares texts: no package index is asked."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("uv.txt", "operator.txt", "dev.txt")

PIN = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[\w.!+]+)(?: ; [^\\]+?)? \\")
HASH = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}(?: \\)?")
ORIGIN = re.compile(r" {4}#(?: {3}| via$| via )(?P<origin>.*)")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of a lock, the number of its hashes, and whether pyproject.toml itself asks for it."""

    version: str
    hashes: int
    direct: bool


def asked_for(root: Path, lock: str) -> dict[str, Requirement]:
    """Return what pyproject.toml wants in a lock, by canonical name."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text())
    groups = pyproject["dependency-groups"]
    operator = pyproject["project"]["dependencies"] + pyproject["project"]["optional-dependencies"]["operator"]
    texts = {"uv.txt": groups["bootstrap"], "operator.txt": operator, "dev.txt": operator + groups["dev"]}
    return {canonicalize_name(one.name): one for one in map(Requirement, texts[lock])}


def pins(root: Path, lock: str) -> dict[str, Pin]:
    """Read a lock, by canonical name. A line that is no pin, hash or origin of a pin fails the test."""
    found: dict[str, Pin] = {}
    name = ""
    for line in (root / "requirements" / lock).read_text().splitlines():
        if pin := PIN.fullmatch(line):
            name = canonicalize_name(pin["name"])
            found[name] = Pin(pin["version"], hashes=0, direct=False)
        elif HASH.fullmatch(line):
            found[name] = Pin(found[name].version, found[name].hashes + 1, direct=False)
        elif origin := ORIGIN.fullmatch(line):
            direct = found[name].direct or origin["origin"].startswith("dubbo-registrar ")
            found[name] = Pin(found[name].version, found[name].hashes, direct)
        else:
            pytest.fail(f"requirements/{lock}: neither a pin nor a hash nor an origin: {line!r}")
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_what_is_asked_for(root: Path, lock: str) -> None:
    """A lock holds each direct dependency of pyproject.toml at a version that satisfies it, and no former one."""
    locked = {name: pin for name, pin in pins(root, lock).items() if pin.direct}
    asked = asked_for(root, lock)

    assert locked.keys() == asked.keys(), "run `make lock`"
    outdated = [name for name, pin in locked.items() if not asked[name].specifier.contains(pin.version)]
    assert outdated == [], "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(root: Path, lock: str) -> None:
    """Whatever is installed is compared with a hash that was committed."""
    assert [name for name, pin in pins(root, lock).items() if pin.hashes == 0] == []


def test_one_version_everywhere(root: Path) -> None:
    """The tests run with the very versions that the operator is shipped with."""
    tested = pins(root, "dev.txt")
    shipped = pins(root, "operator.txt")

    assert {name: pin.version for name, pin in shipped.items()} == {name: tested[name].version for name in shipped}


def test_build_back_end_is_locked(root: Path) -> None:
    """The installation builds without isolation: what the build needs is in the lock of the repository."""
    build = tomllib.loads((root / "pyproject.toml").read_text())["build-system"]["requires"]
    locked = pins(root, "dev.txt")

    assert [one for one in map(Requirement, build) if not one.specifier.contains(locked[one.name].version)] == []
