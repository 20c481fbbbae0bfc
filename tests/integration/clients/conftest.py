"""A ZooKeeper server, and provider nodes written by a plain client: no operator, no Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import pytest

from testbed import dubbo
from testbed.dubbo import Consumer, Provider, Reference, Service
from testbed.zookeeper import ZooKeeper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kazoo.client import KazooClient

SERVICES = (Service("demo.CartService", group="eu", version="1.0.0"), Service("demo.OrderService"))


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    dubbo.prepare()


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeper]:
    server = ZooKeeper(tmp_path_factory.mktemp("zookeeper"), number=200)
    server.start()
    yield server
    server.close()


@pytest.fixture
def zookeeper(_server: ZooKeeper) -> Iterator[ZooKeeper]:
    """A server alone, empty."""
    yield _server
    client = _server.client()
    client.delete("/dubbo", recursive=True)
    client.stop()
    client.close()


@pytest.fixture
def list_provider(zookeeper: ZooKeeper) -> Iterator[Callable[..., str]]:
    """Write the node of a provider and return its path: ``list_provider(address, reference, timestamp="1")``."""
    client: KazooClient = zookeeper.client()

    def write(address: str, reference: Reference, *, protocol: str = "dubbo", **parameters: str) -> str:
        path = _node(address, reference, protocol, parameters)
        client.create(path, makepath=True)
        return path

    yield write
    client.stop()
    client.close()


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Callable[..., Provider]]:
    """Start a provider of both demo services and wait until it serves: ``provider(kind, host, protocol="dubbo")``."""
    started: list[Provider] = []

    def start(kind: dubbo.ProviderKind, host: str, *, protocol: str = "dubbo") -> Provider:
        one = Provider(
            kind=kind,
            host=host,
            port=20880,
            protocol=protocol,
            services=SERVICES,
            name=f"{kind}-{host}",
            log_dir=tmp_path / "logs",
        )
        started.append(one)
        one.start()
        one.wait_ready()
        return one

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def consumer(zookeeper: ZooKeeper, tmp_path: Path) -> Iterator[Callable[..., Consumer]]:
    """Start a consumer: ``consumer(kind, reference, reference)``."""
    started: list[Consumer] = []

    def start(kind: dubbo.ConsumerKind, *references: Reference) -> Consumer:
        one = Consumer(kind, zookeeper=zookeeper.hosts, references=references, log_dir=tmp_path / "logs")
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.stop()


def _node(address: str, reference: Reference, protocol: str, parameters: dict[str, str]) -> str:
    wanted = {"anyhost": "true", "application": "demo", "interface": reference.interface, **parameters}
    if reference.group:
        wanted["group"] = reference.group
    if reference.version:
        wanted["version"] = reference.version
    query = "&".join(f"{key}={value}" for key, value in sorted(wanted.items()))
    name = quote_plus(f"{protocol}://{address}/{reference.interface}?{query}", safe="*")
    return f"/dubbo/{reference.interface}/providers/{name}"
