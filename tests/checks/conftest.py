"""What the checks of the repository itself look at."""

import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root(pytestconfig: pytest.Config) -> Path:
    """Return the root of the repository."""
    return pytestconfig.rootpath


@pytest.fixture(scope="session")
def committed(root: Path) -> tuple[Path, ...]:
    """Return the files that git tracks, relative to the root, without those deleted in the working tree."""
    # A clone that belongs to another user is read all the same: nothing in it is run by git here.
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True
    )
    return tuple(path for path in map(Path, listing.stdout.split("\0")[:-1]) if (root / path).is_file())
