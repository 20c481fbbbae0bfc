"""What no committed file says: where things lie on one machine, and which host packages came from."""

import re
from pathlib import Path

MACHINE_PATH = re.compile(r"(?<![\w.$}~-])/(?:root|home|Users|work|mnt)/\w[^\s\"'`]*")

# Brackets around the dots keep these patterns from finding themselves.
PACKAGE_HOST = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.]org|proxy[.]golang[.]org|repo1?[.]maven|maven[.]org|docker[.]io"
    r"|[\w.-]+[.](?:aliyun|tuna|jfrog)[.]\w+|//mirrors?[.][\w.-]+",
)

FOREIGN_LOCKS = {"uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"}


def found(root: Path, committed: tuple[Path, ...], pattern: re.Pattern[str]) -> list[str]:
    """Return where a pattern is in the committed files, one `path:line: match` each."""
    return [
        f"{path}:{number}: {match[0]}"
        for path in committed
        for number, line in enumerate((root / path).read_text(errors="replace").splitlines(), 1)
        for match in pattern.finditer(line)
    ]


def test_no_machine_paths(root: Path, committed: tuple[Path, ...]) -> None:
    """A clone works wherever it lies, for whoever made it."""
    assert found(root, committed, MACHINE_PATH) == []


def test_no_package_hosts(root: Path, committed: tuple[Path, ...]) -> None:
    """Packages come from wherever the machine's own settings say."""
    assert found(root, committed, PACKAGE_HOST) == []


def test_no_foreign_locks(committed: tuple[Path, ...]) -> None:
    """The locks are those of `requirements/`: other formats name the host of each package."""
    assert [str(path) for path in committed if path.name in FOREIGN_LOCKS] == []
