"""The private network of the test bed, and further ones behind a link that can be cut.

All are Linux network namespaces that belong to a process: they leave no trace on the machine and go with it.
Inside, every address of the pod range 10.64.0.0/16 can be bound and called.
"""

from __future__ import annotations

import os
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from testbed.process import Process, ProcessError

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST_ADDRESS = "10.63.0.1"
"""An address that is not loopback, for servers that must advertise one, and for Java to report as its own."""
POD_RANGE = "10.64.0.0/16"
"""Every address of this range is local: a process may bind to any one of them."""

_MARK = "TESTBED_NAMESPACE"

# Forwarding lets two servers behind two links talk to each other.
_SET_UP = f"""set -e
ip link set lo up
ip link add v0 type veth peer name v1
ip addr add {HOST_ADDRESS}/24 dev v0
ip link set v0 up
ip link set v1 up
ip route add local {POD_RANGE} dev lo
echo 1 > /proc/sys/net/ipv4/ip_forward
{_MARK}=$(readlink /proc/self/ns/net) exec "$@"
"""

_WAY_OUT = """\
The test bed needs a network namespace of its own, and this system refuses to make one.
Tried: {tried}
Ways out: run the command with sudo; or allow unprivileged user namespaces, for example on Ubuntu
    sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0
and check that `ip` (package iproute2) and `unshare` (package util-linux) are installed.
In a container, start it with the SYS_ADMIN and NET_ADMIN capabilities."""


def inside() -> bool:
    """Whether this process runs in a namespace made by ``enter``; a variable that leaked elsewhere is not believed."""
    return os.environ.get(_MARK) == _current()


def enter(command: Sequence[str] | None = None) -> None:
    """Replace this process by the same one in a private network; nothing happens inside one.

    Args:
        command: What to run there instead of the present command line.

    Raises:
        SystemExit: The system refuses; the message says what to do about it.
    """
    if inside():
        return
    # Asked by doing all of it: some systems allow `unshare -rn` and then refuse `ip` inside.
    tried = []
    for unshare in _candidates():
        probe = subprocess.run(
            [*unshare, "sh", "-c", _SET_UP, "sh", "true"], capture_output=True, text=True, check=False
        )
        if probe.returncode == 0:
            _replace([*unshare, "sh", "-c", _SET_UP, "sh", *(command or _own_command())])
        tried.append(f"{' '.join(unshare)}: {probe.stderr.strip()}")
    sys.exit(_WAY_OUT.format(tried="; ".join(tried)))


def worker() -> int:
    """Which of the processes that share a private network this is: 0, but for the workers of pytest-xdist."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def command_to_join(pid: int) -> list[str]:
    """Return the beginning of a command line that runs in the network of the process ``pid``."""
    # `unshare -r` maps a single user; without it there is no user namespace to join.
    mapped = Path(f"/proc/{pid}/uid_map").read_text(encoding="ascii").split()
    user = ["--user", "--preserve-credentials"] if mapped[2:] == ["1"] else []
    return ["nsenter", f"--target={pid}", *user, "--net"]


class Link:
    """A further network namespace behind a pair of virtual Ethernet devices: one address, one link to cut.

    While the link is down, packets vanish without an answer.

    Attributes:
        address: That of the far side, in 10.65.0.0/16.
    """

    def __init__(self, number: int, *, folder: Path) -> None:
        """Name the link (0..16383, one of a kind in the private network); nothing is made yet."""
        subnet = ip_network("10.65.0.0/16").network_address + 4 * number
        self.address = str(subnet + 2)
        self._near_address = str(subnet + 1)
        self._far_mac = f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        self._device = f"link{number}"
        self._holder = Process(
            f"namespace of {self.address}",
            ["unshare", "-n", "sleep", "infinity"],
            log=folder / f"{self._device}.log",
        )

    def open(self) -> None:
        """Make the namespace and the link."""
        outside = _current()
        self._holder.start()
        namespace = Path(f"/proc/{self._holder.pid}/ns/net")
        self._holder.wait_ready(lambda: str(namespace.readlink()) != outside)
        _ip(f"link add {self._device} type veth peer name eth0 address {self._far_mac} netns {self._holder.pid}")
        _ip(f"addr add {self._near_address}/30 dev {self._device}")
        _ip(f"link set {self._device} up")
        self._far_ip("link set lo up")
        self._far_ip(f"addr add {self.address}/30 dev eth0")
        self.heal()
        # Without a fixed neighbour a cut link would be noticed after 3 s ("no route to host"), unlike a real partition.
        _ip(f"neigh replace {self.address} lladdr {self._far_mac} nud permanent dev {self._device}")

    def close(self) -> None:
        """Remove namespace and link, and with them whatever still runs inside of it loses its network."""
        self._holder.kill()

    def command(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs ``command`` on the far side, in the same process."""
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", *command]

    def cut(self) -> None:
        """Take the link down."""
        self._far_ip("link set eth0 down")

    def heal(self) -> None:
        """Take the link up again."""
        self._far_ip("link set eth0 up")
        self._far_ip(f"route replace default via {self._near_address}")

    def _far_ip(self, arguments: str) -> None:
        _run(self.command(["ip", *arguments.split()]))


def _ip(arguments: str) -> None:
    _run(["ip", *arguments.split()])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        error = f"{' '.join(command)}: {done.stderr.strip()}"
        raise ProcessError(error)


def _current() -> str:
    return str(Path("/proc/self/ns/net").readlink())


def _candidates() -> list[list[str]]:
    # Root keeps its rights over files of others only without a user namespace.
    return [["unshare", "-n"], ["unshare", "-rn"]] if os.geteuid() == 0 else [["unshare", "-rn"]]


def _own_command() -> list[str]:
    return [sys.executable, *sys.orig_argv[1:]]


def _replace(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
