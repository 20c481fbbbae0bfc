"""A registry that runs for a test, with all changes that it told of."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from dubbo_registrar.model import Mark, ObjectKey, Owner, Registry
from dubbo_registrar.registry.zookeeper import ZooKeeperRegistry
from testbed.waiting import wait_until

MARK = Mark(Owner("cluster", "install"), ObjectKey("shop", "cart"), "service-uid", "pod-uid")
OTHER_MARK = Mark(MARK.owner, MARK.service, MARK.service_uid, "another-pod-uid")


class Opened:
    """A registry; `changes` are those it told of, None for a connection made or lost."""

    def __init__(self, hosts: tuple[str, ...], *, root: str, connect_timeout: float) -> None:
        self.changes: list[str | None] = []
        self.registry = ZooKeeperRegistry(
            Registry(
                key=ObjectKey("dubbo", "default"),
                uid="uid",
                generation=1,
                hosts=hosts,
                root=root,
                session_timeout=40.0,
                connect_timeout=connect_timeout,
            ),
            on_change=self.changes.append,
        )

    @classmethod
    @asynccontextmanager
    async def running(cls, *hosts: str, root: str = "dubbo", connect_timeout: float = 2.0) -> AsyncIterator["Opened"]:
        """Run one; it must still run at the end, and is cancelled then."""
        opened = cls(hosts, root=root, connect_timeout=connect_timeout)
        task = asyncio.create_task(opened.registry.run())
        try:
            yield opened
            assert not task.done()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def eventually(self, condition: Callable[[], object], *, within: float = 15.0) -> float:
        """Let the event loop run until a condition holds; return after how many seconds it did."""
        start = time.monotonic()
        await asyncio.to_thread(wait_until, condition, timeout=within, message=self.registry.problem)
        return time.monotonic() - start
