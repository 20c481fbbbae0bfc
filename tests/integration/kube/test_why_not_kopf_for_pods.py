"""Why pods come from a reflector of ours and not from kopf's handlers: the same server feeds both, and cuts a watch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import kopf
import pytest

from dubbo_registrar.kube.reflector import Seen
from tests.integration.kube.fake_api_server import FakeApiServer, pod
from tests.integration.kube.mirror import Mirror, eventually


@asynccontextmanager
async def kopf_pods(server: FakeApiServer) -> AsyncIterator[set[str]]:
    """Run kopf with a handler of pod events that keeps the names of the pods there are."""
    names: set[str] = set()
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def login(**_: Any) -> kopf.ConnectionInfo:  # noqa: ANN401
        return kopf.ConnectionInfo(server=server.url)

    @kopf.on.event("pods", registry=registry)
    def pod_event(event: kopf.RawEvent, name: str, **_: Any) -> None:  # noqa: ANN401
        if event["type"] == "DELETED":
            names.discard(name)
        else:
            names.add(name)

    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    stop = asyncio.Event()
    operator = asyncio.create_task(
        kopf.operator(registry=registry, settings=settings, clusterwide=True, stop_flag=stop, memo=kopf.Memo())
    )
    try:
        yield names
    finally:
        stop.set()
        await operator


@pytest.mark.asyncio
async def test_deletions_during_a_relist(server: FakeApiServer, current: Mirror) -> None:
    """Pods deleted while the watch expired: kopf's handler is never told, the reflector finds each of them."""
    for number in range(6):
        server.put(pod(f"p{number}"))
    async with kopf_pods(server) as kopf_names:
        await eventually(lambda: len(kopf_names) == 6 and len(current.names) == 6, within=20)
        await eventually(lambda: server.open_watches == 2)
        server.muted = True
        for number in range(4):
            server.delete(f"p{number}")
        server.put(pod("last"))
        server.compact()
        server.muted = False
        server.error(410)
        # Both have listed again: they know the pod that came during the same time.
        await eventually(lambda: "last" in kopf_names and "last" in current.names, within=20)

        assert current.names == {"p4", "p5", "last"}
        assert current.gone == [(f"p{number}", Seen.LISTED) for number in range(4)]
        # Should this fail one day, kopf has learned it, and the reflector can be thought over.
        assert kopf_names == {"p0", "p1", "p2", "p3", "p4", "p5", "last"}
