"""Makes everything ready that the test bed runs, and nothing twice: ``python3 -m testbed.prepare``.

Programs of the machine through ``apt-get`` where that is allowed, Go programs from source, Dubbo clients through Maven
and Go. It asks for abilities, not for versions of a system. Standard library only: any Python from 3.11 on will do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from testbed import binaries, dubbo, java
from testbed.observer import transaction_log

if TYPE_CHECKING:
    from collections.abc import Callable

_OLDEST_JAVA = 11


def main() -> int:
    """Do what is missing; return 0, or 1 when something has to be done by hand first."""
    print("Test bed: making it ready (the first time takes about 6 minutes on 2 cores, later seconds)", flush=True)
    if not _install_packages():
        return 1
    try:
        binaries.build()
        transaction_log.build()
        dubbo.prepare()
    except subprocess.CalledProcessError as error:
        print(f"Test bed: failed, see above: {error}", file=sys.stderr)
        return 1
    print("Test bed: ready", flush=True)
    return 0


def _install_packages() -> bool:
    missing = _missing()
    if not missing:
        return True
    packages = [_jdk_package() if package == "jdk" else package for package in missing]
    become_root = _root_prefix()
    apt_get = shutil.which("apt-get")
    if apt_get and become_root is not None:
        print(f"  installing {', '.join(packages)} ...", flush=True)
        command = [*become_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet=2"]
        subprocess.run([*command, "update"], check=False)
        subprocess.run([*command, "install", "--yes", "--no-install-recommends", *packages], check=False)
        missing = _missing()
    if missing:
        needs = "; ".join(_NEEDS[package][1] for package in missing)
        how = f"sudo apt-get install -y {' '.join(packages)}" if apt_get else "the packages of your system"
        print(f"Test bed: missing {needs}. Install it, for example with: {how}", file=sys.stderr)
    return not missing


def _missing() -> list[str]:
    return [package for package, (present, _) in _NEEDS.items() if not present()]


def _has_jdk() -> bool:
    try:
        javac = java.program("javac")
        java.program("java")
    except java.JavaMissingError:
        return False
    said = subprocess.run([javac, "-version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"javac (\d+)", said)
    return number is not None and int(number[1]) >= _OLDEST_JAVA


def _has_zookeeper() -> bool:
    try:
        return bool(java.zookeeper_classpath())
    except java.JavaMissingError:
        return False


def _has_programs(*names: str) -> Callable[[], bool]:
    return lambda: all(map(shutil.which, names))


def _jdk_package() -> str:
    known = subprocess.run(["apt-cache", "show", "openjdk-17-jdk-headless"], capture_output=True, check=False)
    return "openjdk-17-jdk-headless" if known.returncode == 0 else "default-jdk-headless"


def _root_prefix() -> list[str] | None:
    """Return what makes a command run as root without a question, None where nothing does."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


# By Debian's package: whether it is needed, and what to ask for elsewhere.
_NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "jdk": (_has_jdk, f"a JDK from {_OLDEST_JAVA} on (JAVA_HOME or PATH)"),
    "maven": (_has_programs("mvn"), "Maven (mvn)"),
    "libzookeeper-java": (_has_zookeeper, "ZooKeeper's server from 3.6 on (ZOOKEEPER_HOME: an unpacked release)"),
    "iproute2": (_has_programs("ip"), "iproute2 (ip)"),
    "util-linux": (_has_programs("unshare", "nsenter", "setpriv"), "util-linux (unshare, nsenter, setpriv)"),
}


if __name__ == "__main__":
    sys.exit(main())
