"""A mirror of one Kubernetes resource in memory, and the facts about how far it can be trusted.

One list, then a watch from the list's version on. Whenever that breaks, the watch goes on after the last event, or a
new list is compared with the mirror, so that no deletion is missed; a list counts only when all of its pages arrived.
Objects are projected while they are parsed, their bodies dropped. What the changes mean is not known here.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Generic, NoReturn, Protocol, TypeVar

import structlog

from dubbo_registrar.errors import KubernetesRefusedError, KubernetesUnavailableError, RegistrarError
from dubbo_registrar.kube.backoff import Backoff
from dubbo_registrar.kube.client import Client, Resource
from dubbo_registrar.kube.listwatch import (
    SILENCE_SECONDS,
    Event,
    EventType,
    ListWatch,
    Raw,
    UnreadableAnswerError,
    Watch,
    key_of,
)
from dubbo_registrar.model import ObjectKey

FRESH_SECONDS = SILENCE_SECONDS + 5.0
"""How long the mirror counts as fresh after the API server was last heard; more than the time between two bookmarks."""
_STABLE_SECONDS = 5.0
"""A watch that lived so long was no failure: the next wait is a short one again."""
_UNAVAILABLE_LIMIT = 1.0
"""The longest wait while there is no answer, in seconds: the mirror must be right soon after there is one."""
_REFUSED_LIMIT = 5.0
"""The longest wait while the answer is no, in seconds."""

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

_log = structlog.get_logger(__name__)


class Seen(Enum):
    """How a change became known."""

    WATCHED = auto()
    """By an event on a live watch: it is known to have happened."""
    LISTED = auto()
    """By comparing a complete list with the mirror. An object that is gone may have been replaced in between."""


class OnChange(Protocol[T_contra]):
    """What is called for each real change, in the event loop, once the mirror has it. It must not block or raise."""

    def __call__(self, key: ObjectKey, old: T_contra | None, new: T_contra | None, seen: Seen, /) -> None:
        """Take note that the projection of an object changed; None means that there is none."""


class RestoredError(RegistrarError):
    """The API server's state is older than what it showed before."""

    def __init__(self, resource: Resource, *, former: str, now: str) -> None:
        super().__init__(
            f"the resourceVersion of {resource} went back from {former} to {now}: was etcd restored from a backup? "
            "Its state is not believed until it has passed the former one, or the operator is restarted"
        )


class Reflector(Generic[T]):
    """Mirrors the objects of a resource (and label selector) that `project` makes something of.

    With a label selector, an object that no longer matches is seen as deleted. `clock` counts seconds, `chance` gives
    numbers from 0 to 1.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        *,
        project: Callable[[Raw], T | None],
        on_change: OnChange[T],
        labels: str = "",
        silence_seconds: float = SILENCE_SECONDS,
        fresh_seconds: float = FRESH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._resource = resource
        self._source = ListWatch(client, resource, labels=labels, silence=silence_seconds)
        self._project = project
        self._on_change = on_change
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._backoff = Backoff(chance)
        self._mirror: dict[ObjectKey, T] = {}
        self._version = ""
        self._continuous = False
        self._heard = clock()
        self.objects: Mapping[ObjectKey, T] = MappingProxyType(self._mirror)
        """The mirror, read-only and live. Empty until `synced`."""
        self.synced_event = asyncio.Event()
        """Set once the first complete list is in the mirror and all its changes were told."""
        self.problem = "it was not listed yet"
        """What is wrong at present, in one line; empty while all is well."""

    @property
    def synced(self) -> bool:
        """The first complete list is in the mirror."""
        return self.synced_event.is_set()

    @property
    def fresh(self) -> bool:
        """The mirror is up to date: nothing is known to be broken, and the API server was heard recently."""
        return self.synced and not self.problem and self._clock() - self._heard <= self._fresh_seconds

    async def run(self) -> NoReturn:
        """Keep the mirror up to date until cancelled."""
        while True:
            limit = _UNAVAILABLE_LIMIT
            try:
                if self._continuous:
                    # A watch from a version that is still to come would be silent about all that happens until then.
                    self._refuse_older(await self._source.version())
                else:
                    await self._list()
                await self._watch()
            except (KubernetesUnavailableError, KubernetesRefusedError, RestoredError) as error:
                lost = isinstance(error, (UnreadableAnswerError, KubernetesRefusedError, RestoredError))
                self._continuous = self._continuous and not lost
                self._report(str(error))
                if not isinstance(error, KubernetesUnavailableError):
                    limit = _REFUSED_LIMIT
            await asyncio.sleep(self._backoff.next(limit=limit))

    async def _list(self) -> None:
        found: dict[ObjectKey, T] = {}
        page = None
        while page is None or page.token:
            page = await self._source.page(page.token if page else "")
            self._refuse_older(page.version)
            for raw in page.items:
                key, new = key_of(raw), self._project(raw)
                if new is not None:
                    old = self._mirror.get(key)
                    # If they are equal, the one that is there: a re-list then needs no second set of objects.
                    found[key] = old if old == new and old is not None else new
        self._adopt(found)
        self._version = page.version
        self._continuous = True
        self._report("")
        self.synced_event.set()

    def _adopt(self, found: dict[ObjectKey, T]) -> None:
        former = dict(self._mirror)
        self._mirror.clear()
        self._mirror.update(found)
        for key, old in former.items():
            if key not in found:
                self._on_change(key, old, None, Seen.LISTED)
        for key, new in found.items():
            if former.get(key) != new:
                self._on_change(key, former.get(key), new, Seen.LISTED)

    async def _watch(self) -> None:
        async with self._source.watch(self._version) as watch:
            self._report("")
            opened = self._clock()
            try:
                await self._follow(watch)
            finally:
                if self._clock() - opened >= _STABLE_SECONDS:
                    self._backoff.reset()

    async def _follow(self, watch: Watch) -> None:
        while (events := await watch.events()) is not None:
            for event in events:
                self._refuse_older(event.version)
                if event.type is not EventType.BOOKMARK:
                    self._apply(event)
                self._version = event.version
            self._heard = self._clock()

    def _apply(self, event: Event) -> None:
        key = key_of(event.object)
        old = self._mirror.get(key)
        new = None if event.type is EventType.DELETED else self._project(event.object)
        if new is None:
            self._mirror.pop(key, None)
        else:
            self._mirror[key] = new
        if old != new:
            self._on_change(key, old, new, Seen.WATCHED)

    def _refuse_older(self, version: str) -> None:
        # Versions of one resource can be compared as decimal numbers ("Kubernetes API Concepts", resource versions).
        if self._version.isdecimal() and version.isdecimal() and int(version) < int(self._version):
            raise RestoredError(self._resource, former=self._version, now=version)

    def _report(self, problem: str) -> None:
        if not problem:
            self._heard = self._clock()
        if problem != self.problem:
            self.problem = problem
            if problem:
                _log.warning("mirror_broken", resource=str(self._resource), problem=problem)
            else:
                _log.info("mirror_current", resource=str(self._resource), objects=len(self._mirror))
