"""One registry in ZooKeeper, as the controller sees it: the interfaces below its root and the nodes of their providers.

It reads, watches and carries plans out. It decides nothing: what to write is up to `plan.py`, when to the controller.
Directories are created and never deleted: Java consumers go deaf when the directory they watch goes.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from kazoo.exceptions import NoAuthError, NodeExistsError, NoNodeError, ZookeeperError
from kazoo.protocol.states import EventType, WatchedEvent

from dubbo_registrar.dubbo.tree import interface_of, providers_path
from dubbo_registrar.errors import RefusedError, RegistryUnavailableError, UnknownOutcomeError
from dubbo_registrar.model import Node, Registry
from dubbo_registrar.plan import Plan
from dubbo_registrar.registry import transaction
from dubbo_registrar.registry.mark import decode
from dubbo_registrar.registry.session import Session

_T = TypeVar("_T")

_READS_AT_ONCE: Final = 500
_TRANSACTIONS_AT_ONCE: Final = 8


class ZooKeeperRegistry:
    """A registry. All methods are called in the event loop.

    Every method that talks to ZooKeeper raises RegistryUnavailableError while there is no connection.

    Args:
        registry: Where it is.
        on_change: Called in the loop with an interface whose directory has changed, once after each `read` of it, and
            with None when the connection was made or lost: all watches are gone then.
    """

    def __init__(self, registry: Registry, *, on_change: Callable[[str | None], None]) -> None:
        self._root = registry.root
        self._on_change = on_change
        self._session = Session(
            registry.hosts,
            session_timeout=registry.session_timeout,
            connect_timeout=registry.connect_timeout,
            on_change=lambda: on_change(None),
        )

    @property
    def connected(self) -> bool:
        """Whether ZooKeeper answers."""
        return self._session.connected

    @property
    def epoch(self) -> int:
        """Counts the connections: what was read in an earlier epoch is not watched any more."""
        return self._session.epoch

    @property
    def problem(self) -> str:
        """Why there is no connection and what to do about it, in one line; empty while connected."""
        return self._session.problem

    async def run(self) -> None:
        """Keep a connection until cancelled."""
        await self._session.run()

    async def interfaces(self) -> tuple[str, ...]:
        """Return the interfaces that have a directory, in order; what cannot be an interface is left out.

        Raises:
            RefusedError: The access list does not let us see them.
        """
        try:
            names = await self._read(lambda client: client.get_children_async(f"/{self._root}"))
        except NoNodeError:
            return ()
        except NoAuthError as error:
            raise _unreadable(f"/{self._root}") from error
        return tuple(sorted(filter(None, map(interface_of, names))))

    async def ensure(self, interface: str) -> None:
        """Create the directory of an interface's providers and what is missing above it; if it is there, write nothing.

        Raises:
            RefusedError: ZooKeeper refused to create one of them.
            UnknownOutcomeError: The answer was lost.
        """
        path = providers_path(self._root, interface)
        # A create that fails is in ZooKeeper's transaction log as well: who looks first leaves no trace by a restart.
        if await self._read(lambda client: client.exists_async(path)):
            return
        parts = path.strip("/").split("/")
        for depth in range(1, len(parts) + 1):
            await self._create("/" + "/".join(parts[:depth]))

    async def read(self, interface: str, known: Mapping[str, Node]) -> dict[str, Node] | None:
        """Return the nodes in the directory of an interface's providers, by name; None when there is no such directory.

        The data is read only of names that are not in `known`. The next change after this (a node comes or goes; the
        directory comes or goes) is announced through `on_change`.

        Raises:
            RefusedError: The access list does not let us see them.
        """
        path = providers_path(self._root, interface)
        watch = _Watch(asyncio.get_running_loop(), interface, self._on_change)
        names = await self._children(path, watch)
        if names is None:
            return None
        nodes = {name: known[name] for name in names if name in known}
        unread = [name for name in names if name not in known]
        for start in range(0, len(unread), _READS_AT_ONCE):
            found = await _all(self._node(path, name) for name in unread[start : start + _READS_AT_ONCE])
            nodes.update((node.name, node) for node in found if node)
        return nodes

    async def apply(self, interface: str, plan: Plan, *, single: bool = False) -> None:
        """Carry a plan out: in one transaction when it fits, else its deletes only after everything else is done.

        Args:
            interface: Whose directory the plan is for.
            plan: What to do.
            single: Give each operation a transaction of its own, so that one which cannot be done does not keep the
                others. Without this, the deletes of a larger plan are not tried when something before was refused.

        Raises:
            RefusedError: At least one transaction was refused, the message says what for; the others are done. When the
                directory was missing, it has been created.
            UnknownOutcomeError: The answer to at least one transaction was lost.
        """
        directory = providers_path(self._root, interface)
        growing, shrinking = transaction.growing(plan), transaction.shrinking(plan)
        whole = [] if single else list(transaction.batches(directory, [*growing, *shrinking]))
        if len(whole) == 1:
            refused = await self._commit(directory, whole)
        elif single:
            refused = await self._commit(directory, ((each,) for each in growing))
            refused += await self._commit(directory, ((each,) for each in shrinking))
        else:
            refused = await self._commit(directory, transaction.batches(directory, growing))
            if not refused:
                refused = await self._commit(directory, transaction.batches(directory, shrinking))
        if any(refusal.without_directory for refusal in refused):
            await self.ensure(interface)
        if refused:
            raise (
                refused[0] if len(refused) == 1 else RefusedError(f"{refused[0]} (and {len(refused) - 1} more like it)")
            )

    async def _commit(
        self, directory: str, batches: Iterable[transaction.Batch]
    ) -> list[transaction.TransactionRefusedError]:
        """Commit batches, a few at a time, and return the refusals once all are answered."""
        window = asyncio.Semaphore(_TRANSACTIONS_AT_ONCE)
        refused: list[transaction.TransactionRefusedError] = []

        async def commit(batch: transaction.Batch) -> None:
            async with window:
                try:
                    await transaction.commit(self._session, directory, batch)
                except transaction.TransactionRefusedError as refusal:
                    refused.append(refusal)

        await _all(commit(batch) for batch in batches)
        return refused

    async def _children(self, path: str, watch: "_Watch") -> list[str] | None:
        """Return the names in a directory, or None when there is none, and leave a watch that tells when it changes."""
        while True:
            try:
                names: list[str] = await self._read(lambda client: client.get_children_async(path, watch=watch))
            except NoNodeError:
                # It may have been created in between; else this watch tells when it is.
                if not await self._read(lambda client: client.exists_async(path, watch=watch)):
                    return None
            except NoAuthError as error:
                raise _unreadable(path) from error
            else:
                return names

    async def _create(self, path: str) -> None:
        try:
            await self._session.write(lambda client: client.create_async(path))
        except NodeExistsError:
            return
        except ZookeeperError as error:
            raise RefusedError(f"ZooKeeper refused to create {path}: {type(error).__name__}") from error

    async def _node(self, directory: str, name: str) -> Node | None:
        """Return a node; None when it has gone meanwhile."""
        try:
            data, _ = await self._read(lambda client: client.get_async(f"{directory}/{name}"))
        except NoNodeError:
            return None
        except NoAuthError:
            # Ours are open to all. Dubbo with a user name for ZooKeeper lets only that user read what it registers.
            return Node(name, None)
        return Node(name, decode(data))

    async def _read(self, operation: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - each operation has a result of its own
        try:
            return await self._session.read(operation)
        except (NoNodeError, NoAuthError):
            raise
        except ZookeeperError as error:
            raise RegistryUnavailableError(f"ZooKeeper refused to be read: {type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class _Watch:
    """A one-shot watch of an interface. Equal ones are one: kazoo keeps a set for each path."""

    loop: asyncio.AbstractEventLoop
    interface: str
    on_change: Callable[[str | None], None]

    def __call__(self, event: WatchedEvent) -> None:
        """Take an event on kazoo's thread. The loss of a connection is announced by the session, once for all."""
        if event.type != EventType.NONE and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.on_change, self.interface)


def _unreadable(path: str) -> RefusedError:
    return RefusedError(f"the access list of {path} does not let the operator read it")


async def _all(work: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Wait for all, then return the results in order or raise: the loss of a write's answer before anything else."""
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    failures.sort(key=lambda failure: not isinstance(failure, UnknownOutcomeError))
    if failures:
        raise failures[0]
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
