"""The way to ZooKeeper while things break: servers that are away, empty, frozen, mute or broken, and lost sessions."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from itertools import pairwise
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from dubbo_registrar.errors import RegistryUnavailableError, UnknownOutcomeError
from dubbo_registrar.registry.session import Session
from testbed.waiting import wait_until
from testbed.zookeeper import Ensemble, ZooKeeper
from tests.integration.registry.opened import Opened

pytestmark = pytest.mark.asyncio

CART = "com.acme.Cart"


async def seconds_until_connected(opened: Opened, server: ZooKeeper) -> float:
    """Start a server; return how long after it served clients the registry was connected and had written."""
    serving = asyncio.create_task(asyncio.to_thread(_serving, server))
    await opened.eventually(lambda: opened.registry.connected)
    await opened.registry.ensure(CART)
    written = time.monotonic()
    return written - await serving


def _serving(server: ZooKeeper) -> float:
    server.launch()
    server.wait_serving()
    return time.monotonic()


@asynccontextmanager
async def running(session: Session) -> AsyncIterator[Session]:
    """Run a session."""
    task = asyncio.create_task(session.run())
    try:
        yield session
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_server_away_at_start(server: ZooKeeper) -> None:
    """Without a server it says why and what to do, refuses work at once, and connects when the server comes."""
    server.start()
    server.stop()
    async with Opened.running(server.hosts) as opened:
        await opened.eventually(lambda: "Connection refused" in opened.registry.problem)
        assert server.hosts in opened.registry.problem
        assert "check that the servers run" in opened.registry.problem
        with pytest.raises(RegistryUnavailableError, match="Connection refused"):
            await opened.registry.ensure(CART)
        await opened.eventually(lambda: opened.changes)
        assert (opened.registry.connected, opened.registry.epoch) == (False, 0)

        seconds = await seconds_until_connected(opened, server)

        print(f"written {seconds:.2f} s after ZooKeeper served for the first time")
        assert seconds < 1
        assert (opened.registry.problem, opened.registry.epoch) == ("", 1)


@pytest.mark.parametrize("wiped", [False, True], ids=["with-its-data", "empty"])
async def test_server_restarted(server: ZooKeeper, *, wiped: bool) -> None:
    """A server comes back, with its data or as a new and empty one: connected and writing within 1 s."""
    server.start()
    async with Opened.running(server.hosts) as opened:
        await opened.eventually(lambda: opened.registry.connected)
        await opened.registry.ensure("com.acme.Order")
        await opened.registry.read("com.acme.Order", {})
        opened.changes.clear()
        await asyncio.to_thread(server.stop)
        await opened.eventually(lambda: "Connection refused" in opened.registry.problem)
        assert opened.changes == [None]
        if wiped:
            server.wipe()

        seconds = await seconds_until_connected(opened, server)

        print(f"written {seconds:.2f} s after ZooKeeper served again")
        assert seconds < 1
        assert opened.registry.epoch == 2
        assert set(opened.changes) == {None}
        assert await opened.registry.interfaces() == ((CART,) if wiped else (CART, "com.acme.Order"))


async def test_long_outage() -> None:
    """However long no server serves, the pauses between attempts stay short."""
    attempts: list[float] = []

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attempts.append(time.monotonic())
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as peer, Opened.running(address(peer)) as opened:
        await opened.eventually(lambda: len(attempts) > 16)

    assert max(later - earlier for earlier, later in pairwise(attempts)) < 1


async def test_frozen_server(server: ZooKeeper) -> None:
    """A frozen server is noticed in seconds; what waits for an answer fails, and nothing that failed early was sent."""
    server.start()
    async with Opened.running(server.hosts) as opened:
        await opened.eventually(lambda: opened.registry.connected)
        server.pause()
        start = time.monotonic()
        outcomes = await asyncio.gather(
            *(opened.registry.ensure(f"com.acme.S{index}") for index in range(1000)), return_exceptions=True
        )

        print(f"a frozen server was noticed after {time.monotonic() - start:.1f} s")
        assert time.monotonic() - start < 10
        assert {type(outcome) for outcome in outcomes} == {RegistryUnavailableError}
        await opened.eventually(lambda: "no answer" in opened.registry.problem)

        server.resume()
        seconds = await opened.eventually(lambda: opened.registry.connected)
        print(f"connected {seconds:.2f} s after it went on")
        assert await opened.registry.interfaces() == ()


async def test_writes_to_a_frozen_server(server: ZooKeeper) -> None:
    """Of writes that were under way the outcome is unknown; no other is ever carried out, and the loop never stalls."""
    server.start()
    async with running(session_of(server)) as session:
        await until(lambda: session.connected)
        server.pause()
        pulse = Pulse()
        outcomes = await asyncio.gather(
            *(session.write(methodcaller("create_async", f"/node-{i}")) for i in range(1000)), return_exceptions=True
        )
        stall = pulse.longest_stall
        server.resume()
        await until(lambda: session.connected)
        names = set(await session.read(lambda client: client.get_children_async("/"))) - {"zookeeper"}

    unknown = {f"node-{i}" for i, outcome in enumerate(outcomes) if isinstance(outcome, UnknownOutcomeError)}
    assert all(isinstance(outcome, RegistryUnavailableError) for outcome in outcomes)
    assert 0 < len(unknown) <= 250
    assert names <= unknown
    assert stall < 3


async def test_partition(server: ZooKeeper) -> None:
    """Packets that vanish without an answer are noticed in seconds, and so is their return."""
    server.start()
    async with Opened.running(server.hosts) as opened:
        await opened.eventually(lambda: opened.registry.connected)
        server.partition()
        lost = await opened.eventually(lambda: not opened.registry.connected)
        await opened.eventually(lambda: "no answer within 2 s" in opened.registry.problem)
        server.heal()
        back = await opened.eventually(lambda: opened.registry.connected)

        print(f"partition noticed after {lost:.1f} s, connected {back:.1f} s after it was healed")
        assert lost < 10
        assert back < 3


async def test_leader_killed(tmp_path: Path) -> None:
    """When an ensemble loses its leader, writing goes on within seconds, and what was written before is seen."""
    ensemble = Ensemble(tmp_path)
    try:
        await asyncio.to_thread(ensemble.start)
        async with Opened.running(*(server.hosts for server in ensemble.servers)) as opened:
            await opened.eventually(lambda: opened.registry.connected)
            await opened.registry.ensure(CART)
            ensemble.leader.kill()
            start = time.monotonic()
            await opened.eventually(lambda: opened.registry.epoch > 1 and opened.registry.connected)

            assert await opened.registry.interfaces() == (CART,)
            await opened.registry.ensure("com.acme.Order")
            print(f"written {time.monotonic() - start:.2f} s after the leader was killed")
            assert time.monotonic() - start < 5
    finally:
        ensemble.close()


async def test_expired_session(server: ZooKeeper) -> None:
    """A session that the server has ended is replaced by a new one at once."""
    server.start()
    identities: list[Any] = []

    def remember(client: KazooClient) -> object:
        identities.append(client.client_id)
        return client.exists_async("/")

    async with running(session_of(server)) as session:
        await until(lambda: session.connected)
        await session.read(remember)
        await asyncio.to_thread(server.expire, identities[0])
        await until(lambda: session.epoch > 1)
        await session.read(remember)

        assert identities[0][0] != identities[1][0] == session.session_id


async def test_mute_hosts(server: ZooKeeper) -> None:
    """Hosts that accept a connection and never answer do not keep it from the one that does."""
    server.start()
    with ExitStack() as stack:
        mute = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        hosts = [f"127.0.0.1:{each.getsockname()[1]}" for each in mute]
        async with Opened.running(*hosts, server.hosts, connect_timeout=0.3) as opened:
            assert await opened.eventually(lambda: opened.registry.connected) < 5


async def test_something_that_is_no_zookeeper() -> None:
    """A peer that answers nonsense is reported, not believed, and not tried in a tight loop."""
    attempts: list[float] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attempts.append(time.monotonic())
        writer.write(b"\x00\x00\x00\x03abc")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as peer, Opened.running(address(peer)) as opened:
        await opened.eventually(lambda: len(attempts) > 4)
        assert opened.registry.epoch == 0
        assert f"({address(peer)}: " in opened.registry.problem

    assert attempts[4] - attempts[0] > 0.3


@pytest.mark.parametrize("frozen", [False, True], ids=["server-well", "server-frozen"])
async def test_end(server: ZooKeeper, *, frozen: bool) -> None:
    """Its end is quick whatever the server does, and leaves no threads behind."""
    server.start()
    async with Opened.running(server.hosts) as opened:
        await opened.eventually(lambda: opened.registry.connected)
        if frozen:
            server.pause()
        start = time.monotonic()
    seconds = time.monotonic() - start
    server.resume()

    assert seconds < (4 if frozen else 2)
    await until(lambda: not [t for t in threading.enumerate() if t.name.startswith("zookeeper")])


def session_of(server: ZooKeeper) -> Session:
    """Return a session with a server, not running yet."""
    return Session((server.hosts,), session_timeout=40.0, connect_timeout=2.0, on_change=lambda: None)


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop run until a condition holds."""
    await asyncio.to_thread(wait_until, condition, timeout=15)


def address(peer: asyncio.Server) -> str:
    """Return `host:port` of a server of the test's own."""
    host, port = peer.sockets[0].getsockname()
    return f"{host}:{port}"


class Pulse:
    """A beat in the event loop, 100 times a second; `longest_stall` is for how long it failed at most, in seconds."""

    def __init__(self) -> None:
        self.longest_stall = 0.0
        self._last = time.monotonic()
        self.beat()

    def beat(self) -> None:
        """Beat, and have the next beat in a while."""
        now = time.monotonic()
        self.longest_stall = max(self.longest_stall, now - self._last)
        self._last = now
        asyncio.get_running_loop().call_later(0.01, self.beat)
