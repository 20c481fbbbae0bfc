"""Real ZooKeeper servers: one alone or an ensemble of three, each behind a link of its own that can be cut.

Every server keeps its whole transaction log, so that ``testbed.observer`` can tell what any reader could have seen.
"""

from __future__ import annotations

import itertools
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from kazoo.client import KazooClient

from testbed import java
from testbed.namespace import Link, worker
from testbed.process import Process, ProcessError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CLIENT_PORT = 2181

_TICK_MILLISECONDS = 2000
_numbers = itertools.count(1000 * (1 + worker()))
_CONNECT_SECONDS = 15.0
_CONNECTION_RETRY = {"max_tries": -1, "delay": 0.1, "max_delay": 0.3}


class ZooKeeper:
    """One server, reached at ``hosts``. Data and address stay over restarts.

    Attributes:
        address: IPv4 address, one of its own.
        hosts: ``address:port``, as clients are told.
        data_dir: Folder with snapshots and the complete transaction log, below ``version-2``.
    """

    def __init__(self, folder: Path, *, number: int | None = None, members: Sequence[ZooKeeper] = ()) -> None:
        """Plan a server; nothing runs yet.

        Args:
            folder: Where configuration, data and logs go; one folder may hold several servers.
            number: One of a kind in the private network and below 1000; by default one is chosen.
            members: All servers of the ensemble with this one, filled before ``start``; empty for a server alone.
        """
        self.number = next(_numbers) if number is None else number
        self._members = members
        self._link = Link(self.number, folder=folder / "logs")
        self._folder = folder / f"zookeeper-{self.number}"
        self._process: Process | None = None
        self._log = folder / "logs" / f"zookeeper-{self.number}.log"
        self.data_dir = self._folder / "data"
        self.address = self._link.address
        self.hosts = f"{self.address}:{CLIENT_PORT}"

    def start(self) -> None:
        """Start the server; returns when it serves clients, for a member of an ensemble when there is a quorum."""
        self.launch()
        self.wait_serving()

    def launch(self) -> None:
        """Start the process and return at once."""
        if self._process is None:
            self._link.open()
            self._configure()
            self._process = Process(f"zookeeper-{self.number}", self._link.command(self._command()), log=self._log)
        self._process.start()

    def wait_serving(self, *, timeout: float = 30.0) -> None:
        """Wait until the server answers clients, at most ``timeout`` seconds."""
        self._running().wait_ready(lambda: self.serving, timeout=timeout)

    def stop(self) -> None:
        """Stop the server (SIGTERM); its address stays, and refuses connections."""
        self._running().stop()

    def kill(self) -> None:
        """End the server at once (SIGKILL)."""
        self._running().kill()

    def restart(self, *, wipe: bool = False) -> None:
        """Stop and start the server, with ``wipe`` as a new and empty one."""
        self.stop()
        if wipe:
            self.wipe()
        self.start()

    def wipe(self) -> None:
        """Throw the data of a stopped server away."""
        shutil.rmtree(self.data_dir / "version-2")

    def pause(self) -> None:
        """Freeze the server: connections stay open, nothing is answered."""
        self._running().pause()

    def resume(self) -> None:
        """Let a paused server go on."""
        self._running().resume()

    def partition(self) -> None:
        """Take the link of the server down: packets vanish, in both directions."""
        self._link.cut()

    def heal(self) -> None:
        """Take the link up again."""
        self._link.heal()

    def close(self) -> None:
        """End the server and remove its network; the data stays until the folder goes."""
        if self._process is not None:
            self._process.kill()
            self._link.close()

    def client(self) -> KazooClient:
        """Return a started client; who asks for it stops and closes it."""
        return connect(self.hosts)

    def expire(self, session: tuple[int, bytes]) -> None:
        """End a session as if it had expired: whoever owns it learns it from the server."""
        expire(self.hosts, session)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.alive

    @property
    def serving(self) -> bool:
        """Whether it answers clients; a member without a quorum does not."""
        return "Mode: " in self._four_letters("srvr")

    @property
    def leading(self) -> bool:
        """Whether it is the leader of its ensemble."""
        return "Mode: leader" in self._four_letters("srvr")

    def _running(self) -> Process:
        if self._process is None:
            error = f"zookeeper-{self.number} was not started"
            raise ProcessError(error)
        return self._process

    def _four_letters(self, word: str) -> str:
        """Return the answer to a command of four letters, nothing when there is none within a second."""
        try:
            with socket.create_connection((self.address, CLIENT_PORT), timeout=1.0) as connection:
                connection.sendall(word.encode())
                return b"".join(iter(lambda: connection.recv(4096), b"")).decode()
        except OSError:
            return ""

    def _configure(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        (self.data_dir / "myid").write_text(f"{self.number}\n")
        settings = {
            "tickTime": _TICK_MILLISECONDS,
            "initLimit": 10,
            "syncLimit": 5,
            "dataDir": self.data_dir,
            "clientPort": CLIENT_PORT,
            "clientPortAddress": self.address,
            "4lw.commands.whitelist": "*",
            "admin.enableServer": "false",
            "maxClientCnxns": 0,
            # One log file for a whole test, and none ever purged.
            "snapCount": 10_000_000,
            "autopurge.purgeInterval": 0,
            **{f"server.{member.number}": f"{member.address}:2888:3888" for member in self._members},
        }
        lines = (f"{key}={value}\n" for key, value in settings.items())
        (self._folder / "zoo.cfg").write_text("".join(lines))

    def _command(self) -> list[str]:
        return [
            str(java.program("java")),
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dzookeeper.forceSync=no",
            # A member that comes back gets what it missed as transactions, never as a snapshot: its log stays complete.
            "-Dzookeeper.commitLogCount=1000000",
            "-Dzookeeper.snapshotSizeFactor=1000000",
            "-Dzookeeper.jmx.log4j.disable=true",
            "-cp",
            java.zookeeper_classpath(),
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            str(self._folder / "zoo.cfg"),
        ]


class Ensemble:
    """Three servers that elect a leader.

    Attributes:
        servers: All of them, to be stopped, killed, paused or partitioned one by one.
        hosts: The connect string of all.
    """

    def __init__(self, folder: Path) -> None:
        """Plan the servers; nothing runs yet."""
        self.servers: list[ZooKeeper] = []
        for _ in range(3):
            self.servers.append(ZooKeeper(folder, members=self.servers))
        self.hosts = ",".join(server.hosts for server in self.servers)

    def start(self) -> None:
        """Start all servers; returns when all of them serve clients."""
        with ThreadPoolExecutor(len(self.servers)) as pool:
            list(pool.map(lambda server: server.start(), self.servers))

    def close(self) -> None:
        """End all servers and remove their networks."""
        for server in self.servers:
            server.close()

    @property
    def leader(self) -> ZooKeeper:
        """The server that leads now. Raises ``ProcessError`` while there is none."""
        for server in self.servers:
            if server.leading:
                return server
        error = "the ensemble has no leader"
        raise ProcessError(error)

    def client(self) -> KazooClient:
        """Return a started client of all servers; who asks for it stops and closes it."""
        return connect(self.hosts)

    def expire(self, session: tuple[int, bytes]) -> None:
        """End a session as if it had expired: whoever owns it learns it from the server."""
        expire(self.hosts, session)


def connect(hosts: str, *, session: tuple[int, bytes] | None = None) -> KazooClient:
    """Return a started client, resuming ``session`` (``KazooClient.client_id``) when one is given."""
    # By default its pauses grow to minutes while a server is away, and what it sees comes late.
    client = KazooClient(hosts, client_id=session, timeout=10.0, connection_retry=_CONNECTION_RETRY)
    client.start(_CONNECT_SECONDS)
    return client


def expire(hosts: str, session: tuple[int, bytes]) -> None:
    """Resume ``session`` on another connection and close it there. Raises ``ProcessError`` when it was gone."""
    client = connect(hosts, session=session)
    resumed = client.client_id[0] == session[0]
    client.stop()
    client.close()
    if not resumed:
        error = f"session {session[0]:#x} was gone already"
        raise ProcessError(error)
