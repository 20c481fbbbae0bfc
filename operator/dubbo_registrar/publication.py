"""One registry kept as it should be: what is desired there, what stands there, the plan between them, its application.

A Publication is level-based: it is told which directories may have changed, never what changed, and reads both sides
anew. It knows neither Kubernetes nor kazoo: the desired side is given, and the registry is whatever meets the
Protocol below. Which services and pods exist, and what is told to their authors, is the controller's.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Protocol

import structlog

from dubbo_registrar.desired import Directory
from dubbo_registrar.errors import RefusedError, RegistryUnavailableError
from dubbo_registrar.model import Node, ObjectKey, Owner
from dubbo_registrar.pace import Pace
from dubbo_registrar.plan import Plan, plan

_log = structlog.get_logger()

_RETRY_SECONDS = 1.0
_PASS_SECONDS = 0.02
"""Between two passes at least, so that a burst of changes does not cost a pass each."""


class ProviderTree(Protocol):
    """The registry as a publication needs it: directories of providers that can be read, watched and changed."""

    @property
    def connected(self) -> bool:
        """Tell whether it can be read and written now."""

    @property
    def epoch(self) -> int:
        """Return a number that grows with every connection: what was read and watched before must be read again."""

    @property
    def problem(self) -> str:
        """Return why it is not connected, in one line for a user, or an empty string."""

    async def run(self) -> None:
        """Keep it connected until cancelled."""

    async def interfaces(self) -> tuple[str, ...]:
        """Return the interfaces that have a directory. Raises RegistryUnavailableError and RefusedError."""

    async def ensure(self, interface: str) -> None:
        """Create the `providers` directory of an interface. Raises RegistryUnavailableError and RefusedError."""

    async def read(self, interface: str, known: Mapping[str, Node]) -> dict[str, Node] | None:
        """Return the nodes of a directory (None: there is none) and watch it; errors as `interfaces`."""

    async def apply(self, interface: str, plan: Plan, *, single: bool = False) -> None:
        """Carry a plan out. Raises RegistryUnavailableError (outcome unknown), RefusedError (a part did not happen)."""


class Publication:
    """The directories of one registry, kept equal to what is desired."""

    def __init__(
        self,
        *,
        desired: Callable[[str], Directory],
        wished: Callable[[], Iterable[str]],
        owner: Owner,
        tree: Callable[[Callable[[str | None], None]], ProviderTree],
        on_report: Callable[[frozenset[str] | None], None],
    ) -> None:
        """Prepare it; `run` does the work.

        `desired` gives what should be in one directory, `wished` all interfaces that should have one; `tree` makes
        the registry and is given whom to tell of changes there; `on_report` is called with the interfaces of each
        pass, and with None when the connection changed.
        """
        self._desired = desired
        self._wished = wished
        self._owner = owner
        self._on_report = on_report
        self._dirty: set[str] = set()
        self._working: frozenset[str] = frozenset()
        self._unread: set[str] = set()
        self._unverified: set[str] = set()
        self._refused: dict[str, str] = {}
        self._unlisted = ""
        self._resting: set[str] = set()
        self._scan = True
        self._epoch = 0
        self._wake = asyncio.Event()
        self._current: dict[str, dict[str, Node]] = {}
        self._holders: dict[str, frozenset[ObjectKey]] = {}
        self._pace = Pace()
        self._taken: dict[str, frozenset[str]] = {}
        self.tree = tree(self._heard)

    def settled(self, interfaces: Iterable[str]) -> bool:
        """Tell whether directories were compared, written and read back, as far as is known."""
        open_ends = self._dirty | self._working | self._unread | self._resting
        return (
            self.tree.connected
            and self._epoch == self.tree.epoch
            and not self._scan
            and open_ends.isdisjoint(interfaces)
        )

    @property
    def _pending(self) -> bool:
        return bool(self._dirty or self._working) or self._scan or self._epoch != self.tree.epoch

    @property
    def problem(self) -> str:
        """Return what keeps the registry from being as desired, in one line, or an empty string."""
        return self.tree.problem or self._unlisted or next(iter(self._refused.values()), "")

    @property
    def owned(self) -> int:
        """Return how many nodes of ours stand there, as last read."""
        return sum(self._ours(node) for nodes in self._current.values() for node in nodes.values())

    @property
    def foreign(self) -> int:
        """Return how many nodes of others stand beside ours, as last read."""
        return sum(not self._ours(node) for nodes in self._current.values() for node in nodes.values())

    def registered(self, interface: str, name: str) -> bool:
        """Tell whether a node of ours with this name stands in a directory, as last read."""
        node = self._current.get(interface, {}).get(name)
        return node is not None and self._ours(node)

    def taken(self, interface: str) -> frozenset[str]:
        """Return the wanted names of a directory that somebody else's nodes have."""
        return self._taken.get(interface, frozenset())

    def holding(self, service: ObjectKey) -> set[str]:
        """Return the interfaces in whose directories nodes of a service stand, as last read."""
        return {interface for interface, services in self._holders.items() if service in services}

    def standing(self, service: ObjectKey) -> int:
        """Return how many nodes of a service stand here, as last read."""
        nodes = (node for interface in self.holding(service) for node in self._current[interface].values())
        return sum(node.mark is not None and node.mark.service == service and self._ours(node) for node in nodes)

    def refusal(self, interface: str) -> str:
        """Return why ZooKeeper refuses to have a directory written, in one line, or an empty string."""
        return self._refused.get(interface, "")

    def touch(self, interfaces: Iterable[str]) -> None:
        """Have directories compared soon."""
        self._dirty.update(interfaces)
        self._wake.set()

    def resync(self) -> None:
        """Have everything read and compared again, directories that nobody desires included."""
        self._scan = True
        self._wake.set()

    async def run(self) -> None:
        """Keep the registry connected and as desired until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.tree.run())
            tasks.create_task(self._follow())

    async def _follow(self) -> None:
        """Make a pass whenever something may have changed."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self.tree.connected:
                try:
                    await self.reconcile()
                except RegistryUnavailableError as error:
                    _log.info("the registry went away during a pass", error=str(error))
                    asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._wake.set)
                else:
                    if self._pending:
                        self._wake.set()
            await asyncio.sleep(_PASS_SECONDS)

    async def reconcile(self) -> None:
        """Make the directories that may have changed hold what they should.

        Raises RegistryUnavailableError; what was not finished stays marked for the next pass.
        """
        await self._find_directories()
        interfaces = self._begin()
        wished = set(self._wished())
        try:
            await _gather(self._match(interface, wished=interface in wished) for interface in interfaces)
        finally:
            self._end(interfaces)
            self._on_report(interfaces)

    def _begin(self) -> frozenset[str]:
        """Take the directories to look at. What is touched from now on belongs to the next pass."""
        self._working = frozenset(self._dirty)
        self._dirty.clear()
        return self._working

    def _end(self, interfaces: frozenset[str]) -> None:
        """Have directories that were written, or could not be read, read in the next pass; refused ones rest first."""
        self._dirty |= interfaces & self._unread - self._resting
        self._working = frozenset()

    async def _find_directories(self) -> None:
        """After a new connection, and for a resync, mark all directories that are desired or hold nodes of ours."""
        epoch, scan = self.tree.epoch, self._scan
        if self._epoch == epoch and not scan:
            return
        self._scan = False  # before the read: a resync that is asked for meanwhile must not be lost
        try:
            found = await self.tree.interfaces() if scan else ()
            self._unlisted = "" if scan else self._unlisted
        except RefusedError as error:
            # What is desired needs no list. Leftovers of ours have to wait for a resync that may see them.
            self._unlisted, found = str(error), ()
            _log.warning("the interfaces cannot be listed", error=str(error))
        except BaseException:
            self._scan = True
            raise
        wanted = {*self._wished(), *self._current, *found}
        self._dirty |= wanted
        self._unread |= wanted
        self._unverified |= wanted if scan else set()
        self._epoch = epoch

    async def _match(self, interface: str, *, wished: bool) -> None:
        """Make one directory hold what it should. A refusal keeps no other from that, and is looked at again."""
        try:
            if interface in self._unread or interface not in self._current:
                await self._read(interface, wished=wished)
            if interface in self._current:
                await self._write(interface, self._plan(interface))
        except RefusedError as error:
            self._refused[interface] = f"{interface}: {error}"
            self._unread.add(interface)
            self._rest(interface, _RETRY_SECONDS)
            _log.warning("a directory was refused", interface=interface, error=str(error))
        except BaseException:
            self._unread.add(interface)
            raise
        else:
            self._refused.pop(interface, None)

    async def _read(self, interface: str, *, wished: bool) -> None:
        """Read a directory; create it when it is wished and not there. One that does not concern us is forgotten."""
        known = {} if interface in self._unverified else self._current.get(interface, {})
        self._unread.discard(interface)  # before the read: what the watch says meanwhile must not be lost
        nodes = await self.tree.read(interface, known)
        if nodes is None and wished:
            await self.tree.ensure(interface)
            nodes = await self.tree.read(interface, {})
        self._unverified.discard(interface)
        holders = frozenset(node.mark.service for node in (nodes or {}).values() if node.mark and self._ours(node))
        if nodes is None or not (wished or holders):
            self._current.pop(interface, None)
            self._holders.pop(interface, None)
        else:
            self._current[interface] = nodes
            self._holders[interface] = holders

    def _plan(self, interface: str) -> Plan:
        steps = plan(wanted=self._desired(interface), current=self._current[interface], owner=self._owner)
        self._taken[interface] = steps.taken
        return steps

    async def _write(self, interface: str, steps: Plan) -> None:
        """Carry out what of a plan the pace allows; the directory is read again afterwards in any case.

        After a refusal the operations go one by one, so that one cannot block the others.
        """
        clock = asyncio.get_running_loop().time
        steps, wait = self._pace.allow(interface, steps, now=clock())
        if wait:
            self._rest(interface, wait)
        if steps.empty:
            return
        self._unread.add(interface)
        nodes = self._current[interface]
        # Somebody else may make a node of the same name as soon as ours is gone: what we knew of it says nothing then.
        for step in steps.deletes:
            del nodes[step.name]
        _log.info(
            "writing",
            interface=interface,
            creates=len(steps.creates),
            rewrites=len(steps.rewrites),
            deletes=len(steps.deletes),
        )
        try:
            await self.tree.apply(interface, steps, single=interface in self._refused)
        finally:
            self._pace.written(interface, at=clock())
        nodes.update({step.name: Node(step.name, step.mark) for step in steps.rewrites})

    def _rest(self, interface: str, seconds: float) -> None:
        """Have a directory compared again after a while; one timer at a time, however often it is asked for."""
        if interface not in self._resting:
            self._resting.add(interface)
            asyncio.get_running_loop().call_later(seconds, self._rested, interface)

    def _rested(self, interface: str) -> None:
        self._resting.discard(interface)
        self.touch((interface,))

    def _ours(self, node: Node) -> bool:
        return node.mark is not None and node.mark.owner == self._owner

    def _heard(self, interface: str | None) -> None:
        """Take in that a directory changed, or (None) that the connection did."""
        if interface is None:
            self._on_report(None)
        elif interface in self._current or interface in self._working or interface in self._wished():
            self._unread.add(interface)
            self._dirty.add(interface)
        self._wake.set()


async def _gather(work: Iterable[Coroutine[None, None, None]]) -> None:
    """Do all of it, also when a part fails; then raise the first failure."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
