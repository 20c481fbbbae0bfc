"""pytest in the private network, and the fixture ``bed``. Loaded by ``-p`` before pytest captures any output.

Runs of unit tests and checks alone stay outside, so that they need nothing but Python. Workers of pytest-xdist are
children of the process that entered and share its network.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from testbed import namespace

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from testbed.bed import TestBed

_TESTS = Path(__file__).parents[1] / "tests"
_OUTSIDE = (_TESTS / "unit", _TESTS / "checks")


def needs_network(arguments: Sequence[str]) -> bool:
    """Whether a pytest command line may run tests other than those of ``tests/unit`` and ``tests/checks``."""
    paths = [Path(argument.split("::")[0]).resolve() for argument in arguments]
    named = [path for path in paths if path.exists() and path.is_relative_to(_TESTS)]
    return not named or any(not any(path.is_relative_to(folder) for folder in _OUTSIDE) for path in named)


@pytest.fixture(scope="session")
def bed() -> Iterator[TestBed]:
    """One test bed for the whole session: Kubernetes and a ZooKeeper server alone."""
    # Unit tests load this plugin too, and need none of it.
    from testbed.bed import TestBed  # noqa: PLC0415

    with TestBed() as started:
        yield started


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the folders of the running test beds when a test fails, and say where they are."""
    report = yield
    if report.failed:
        bed = sys.modules.get("testbed.bed")
        for each in bed.running() if bed else ():
            each.keep = True
            report.sections.append(("test bed", f"logs of all components: {each.logs}"))
    return report


# An import is the only moment before capturing starts. A worker of pytest-xdist has no command line of its own.
if "pytest" in Path(sys.argv[0]).parent.name + Path(sys.argv[0]).name and needs_network(sys.argv[1:]):
    namespace.enter()
