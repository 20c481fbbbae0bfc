"""A fake API server and a reflector of its pods that writes down each change."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dubbo_registrar.kube.client import Client
from tests.integration.kube.fake_api_server import FakeApiServer
from tests.integration.kube.mirror import Mirror, eventually, kubeconfig, logged_in, running


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    """Serve no pods yet."""
    fake = FakeApiServer()
    await fake.start()
    yield fake
    await fake.stop()


@pytest_asyncio.fixture
async def client(server: FakeApiServer, tmp_path: Path) -> AsyncIterator[Client]:
    """Log in to the fake."""
    async with logged_in(kubeconfig(server.url, tmp_path)) as made:
        yield made


@pytest.fixture
def mirror(client: Client) -> Mirror:
    """Mirror the fake's pods, not running yet; waits are short."""
    return Mirror(client, chance=lambda: 0.0)


@pytest_asyncio.fixture
async def current(server: FakeApiServer, mirror: Mirror) -> AsyncIterator[Mirror]:
    """Run a mirror that is current, with what the test's own set-up put into the server."""
    async with running(mirror.reflector):
        await eventually(lambda: mirror.reflector.fresh and server.open_watches)
        yield mirror
