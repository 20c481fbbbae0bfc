"""A registry in memory, with the faults of a real one: a second implementation of `publication.ProviderTree`.

`Server` is what all clients see; `InMemoryTree` is one client's session: it is cut and connected, its watches are
one-shot and end with the connection, its writes are refused or their answers lost on demand.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat

from dubbo_registrar.errors import RefusedError, RegistryUnavailableError, UnknownOutcomeError
from dubbo_registrar.model import Mark, Node, Owner
from dubbo_registrar.plan import Create, Delete, Plan, Rewrite

Step = Create | Rewrite | Delete
Nodes = dict[str, Mark | None]


@dataclass
class Server:
    """The directories that all clients see, what was written to them, and who waits for changes."""

    directories: dict[str, Nodes] = field(default_factory=dict)
    history: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    """Each state that a reader can have seen: a directory and the names in it, after each transaction."""
    watches: defaultdict[str, list[Callable[[str], None]]] = field(default_factory=lambda: defaultdict(list))

    def names(self, interface: str) -> set[str]:
        """Return what a reader finds in a directory."""
        return set(self.directories.get(interface, {}))

    def put(self, interface: str, name: str, mark: Mark | None = None) -> None:
        """Write a node in the way of another client."""
        self.directories.setdefault(interface, {})[name] = mark
        self.changed(interface)

    def drop(self, interface: str, name: str) -> None:
        """Delete a node in the way of another client."""
        del self.directories[interface][name]
        self.changed(interface)

    def changed(self, interface: str) -> None:
        """Tell those who wait, once."""
        self.history.append((interface, frozenset(self.names(interface))))
        for heard in self.watches.pop(interface, []):
            asyncio.get_running_loop().call_soon(heard, interface)

    def owned(self, interface: str, owner: Owner) -> set[str]:
        """Return the names in a directory that carry an owner's mark."""
        return {name for name, mark in self.directories.get(interface, {}).items() if mark and mark.owner == owner}


class InMemoryTree:
    """One client of a server. Every step to the server and back takes as many turns of the loop as `latency` says."""

    def __init__(
        self, server: Server, heard: Callable[[str | None], None], *, latency: Iterator[int] | None = None
    ) -> None:
        self.server = server
        self.heard = heard
        self.latency: Iterator[int] = chain(latency or (), repeat(1))
        self.connected = False
        self.epoch = 0
        self.problem = "not connected yet"
        self.connects = True
        self.reads: list[str] = []
        self.commits: list[int] = []
        """The number of steps in each transaction that was sent."""
        self.refused: set[str] = set()
        """Interfaces and names that may not be written."""
        self.silent = 0
        """How many of the next reads get no answer, although the connection stays."""
        self.losses: list[bool] = []
        """For each of the next transactions: its answer is lost, after it was carried out or (False) before."""

    async def run(self) -> None:
        """Connect, unless that was forbidden, and stay until cancelled."""
        if self.connects:
            self.connect()
        try:
            await asyncio.Event().wait()
        finally:
            self.connected = False
            self._forget_watches()

    def connect(self) -> None:
        """Make a connection."""
        self.epoch += 1
        self.connected = True
        self.problem = ""
        self.heard(None)

    def cut(self) -> None:
        """Lose the connection, and all watches with it."""
        self.connected = False
        self.problem = "connection lost"
        self._forget_watches()
        self.heard(None)

    async def interfaces(self) -> tuple[str, ...]:
        await self._ask()
        return tuple(self.server.directories)

    async def ensure(self, interface: str) -> None:
        await self._travel()
        if interface in self.refused:
            raise RefusedError("no access")
        if interface not in self.server.directories:
            self.server.directories[interface] = {}
            self.server.changed(interface)

    async def read(self, interface: str, known: Mapping[str, Node]) -> dict[str, Node] | None:
        self.reads.append(interface)
        await self._ask()
        watches = self.server.watches[interface]
        if self._hear not in watches:
            watches.append(self._hear)
        if interface not in self.server.directories:
            return None
        nodes = {name: known.get(name) for name in self.server.directories[interface]}
        await self._travel()
        there = self.server.directories.get(interface, {})
        return {name: node or Node(name, there[name]) for name, node in nodes.items() if node or name in there}

    async def apply(self, interface: str, plan: Plan, *, single: bool = False) -> None:
        growing: list[Step] = [*plan.creates, *plan.rewrites]
        shrinking: list[Step] = [*plan.deletes]
        refusals: list[RefusedError] = []
        for steps in (growing, shrinking):
            size = 1 if single else 3
            for start in range(0, len(steps), size):
                try:
                    await self._commit(interface, steps[start : start + size])
                except RefusedError as refusal:
                    refusals.append(refusal)
            if refusals and not single:
                break
        if refusals:
            raise refusals[0]

    async def _commit(self, interface: str, steps: list[Step]) -> None:
        await self._travel()
        self.commits.append(len(steps))
        lost = self.losses.pop(0) if self.losses else None
        if lost is not False:
            self._carry_out(interface, steps)
        if lost is not None:
            raise UnknownOutcomeError("the answer was lost")
        epoch = self.epoch
        await self._turns()
        if self.epoch != epoch or not self.connected:
            raise UnknownOutcomeError("the connection was lost before the answer came")

    def _carry_out(self, interface: str, steps: list[Step]) -> None:
        """Do all of it or, when one of its conditions is not met, nothing."""
        if interface not in self.server.directories:
            raise RefusedError("no such directory")
        nodes = dict(self.server.directories[interface])
        for step in steps:
            _operate(nodes, step)
            if self.refused & {interface, step.name}:
                raise RefusedError("no access")
        self.server.directories[interface] = nodes
        self.server.changed(interface)

    async def _ask(self) -> None:
        await self._travel()
        if self.silent:
            self.silent -= 1
            raise RegistryUnavailableError("no answer")

    async def _travel(self) -> None:
        """Get to the server, or fail on the way."""
        epoch = self.epoch
        await self._turns()
        if not self.connected or epoch != self.epoch:
            raise RegistryUnavailableError(self.problem)

    async def _turns(self) -> None:
        for _ in range(next(self.latency)):
            await asyncio.sleep(0)

    def _hear(self, interface: str) -> None:
        if self.connected:
            self.heard(interface)

    def _forget_watches(self) -> None:
        for watches in self.server.watches.values():
            if self._hear in watches:
                watches.remove(self._hear)


def _operate(nodes: Nodes, step: Step) -> None:
    """Do one step of a transaction. Raises RefusedError as ZooKeeper does: a create of what is there, and the like."""
    match step:
        case Create() if step.name in nodes:
            raise RefusedError("there is such a node")
        case Delete() | Rewrite() if step.name not in nodes:
            raise RefusedError("no such node")
        case Create() | Rewrite():
            nodes[step.name] = step.mark
        case Delete():
            del nodes[step.name]
