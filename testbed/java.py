"""The Java of the machine and the jars of ZooKeeper's server. Standard library only: ``testbed.prepare`` uses it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Debian's jar names all others it needs in its manifest.
_DEBIAN_JAR = Path("/usr/share/java/zookeeper.jar")


class JavaMissingError(RuntimeError):
    """A program of the JDK, or ZooKeeper's server, is not installed."""


def program(name: str) -> Path:
    """Return ``java`` or ``javac``: that of ``JAVA_HOME``, else the one on PATH.

    Raises:
        JavaMissingError: There is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = Path(home) / "bin" / name if home else Path(shutil.which(name) or name)
    if not found.exists():
        raise JavaMissingError(f"{name} is not installed: run `python3 -m testbed.prepare`")
    return found


def zookeeper_classpath() -> str:
    """Return the jars of ``ZOOKEEPER_HOME`` (an unpacked binary release), else those of Debian's package.

    Raises:
        JavaMissingError: There are none.
    """
    home = os.environ.get("ZOOKEEPER_HOME")
    if home and list(Path(home).glob("lib/zookeeper-*.jar")):
        return f"{home}/lib/*"
    if not home and _DEBIAN_JAR.exists():
        return str(_DEBIAN_JAR)
    raise JavaMissingError(f"no ZooKeeper server in {home or _DEBIAN_JAR}: run `python3 -m testbed.prepare`")
