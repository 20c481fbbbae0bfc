"""A reflector of pods that writes down each change, how to log in for it, and how to wait for what it does."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from dubbo_registrar.kube.client import Client, Resource, connect
from dubbo_registrar.kube.pods import project_pod
from dubbo_registrar.kube.reflector import Reflector, Seen
from dubbo_registrar.model import ObjectKey, Pod
from testbed.waiting import wait_until

PODS = Resource("pods")


def kubeconfig(server: str, folder: Path) -> Path:
    """Write a kubeconfig for the server at a URL, with a token that says nothing."""
    config = {
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server}}],
        "users": [{"name": "test", "user": {"token": "anything"}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(config))
    return file


@asynccontextmanager
async def logged_in(kubeconfig: Path) -> AsyncIterator[Client]:
    """Log in with a kubeconfig."""
    client = await connect(kubeconfig=kubeconfig)
    try:
        yield client
    finally:
        await client.close()


async def eventually(condition: Callable[[], object], *, within: float = 5.0, message: str = "") -> None:
    """Let the event loop run until a condition holds; fails after `within` seconds."""
    await asyncio.to_thread(wait_until, condition, timeout=within, message=message)


@asynccontextmanager
async def running(reflector: Reflector[Any]) -> AsyncIterator[None]:
    """Run a reflector; it is over and closed at the end. Should it end by itself, that is raised."""
    task = asyncio.create_task(reflector.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Mirror:
    """A reflector of pods with all that it told. `names` are those of the pods that it has."""

    def __init__(self, client: Client, resource: Resource = PODS, **settings: Any) -> None:  # noqa: ANN401
        self.changes: list[tuple[str, bool, bool, Seen]] = []
        """Of each change: the pod's name, whether there was one before, whether there is one now, how it was seen."""
        self.reflector: Reflector[Pod] = Reflector(
            client, resource, project=project_pod, on_change=self._changed, **settings
        )

    @property
    def names(self) -> set[str]:
        return {key.name for key in self.reflector.objects}

    @property
    def gone(self) -> list[tuple[str, Seen]]:
        """Name and how it was seen of each pod that went, in order."""
        return [(name, seen) for name, _, there, seen in self.changes if not there]

    def _changed(self, key: ObjectKey, old: Pod | None, new: Pod | None, seen: Seen) -> None:
        assert self.reflector.objects.get(key) == new
        self.changes.append((key.name, old is not None, new is not None, seen))
