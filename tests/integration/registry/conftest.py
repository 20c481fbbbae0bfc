"""A real ZooKeeper server, what a plain client sees of it, and our side of it, running."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from kazoo.client import KazooClient

from testbed.zookeeper import ZooKeeper
from tests.integration.registry.opened import Opened


@pytest.fixture(scope="session")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeper]:
    """A server that nothing happens to."""
    server = ZooKeeper(tmp_path_factory.mktemp("zookeeper"))
    server.start()
    yield server
    server.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ZooKeeper]:
    """A server of the test's own to do things to, planned and not started."""
    server = ZooKeeper(tmp_path)
    yield server
    server.close()


@pytest.fixture
def root(request: pytest.FixtureRequest) -> str:
    """A root of the test's own."""
    name: str = request.node.name
    return name.replace("[", "-").rstrip("]")


@pytest.fixture
def plain(steady: ZooKeeper) -> Iterator[KazooClient]:
    """A plain client of the steady server."""
    client = steady.client()
    yield client
    client.stop()
    client.close()


@pytest_asyncio.fixture
async def opened(steady: ZooKeeper, root: str) -> AsyncIterator[Opened]:
    """The registry on the steady server, connected."""
    async with Opened.running(steady.hosts, root=root) as opened:
        await opened.eventually(lambda: opened.registry.connected)
        opened.changes.clear()
        yield opened


@pytest.fixture
def providers(root: str) -> Callable[[str], str]:
    """Return the directory of an interface's providers."""
    return lambda interface: f"/{root}/{interface}/providers"
