"""Writes reports to the status of custom resources: only on change, and at most once a second for each object.

What a report says is decided elsewhere (`reporting.py`). Nothing is read: what an object's status was comes with the
declaration, and from then on the writer remembers what it wrote.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn

import structlog

from dubbo_registrar.conditions import merged
from dubbo_registrar.errors import KubernetesForbiddenError, KubernetesRefusedError, KubernetesUnavailableError
from dubbo_registrar.kube.client import Client, Resource
from dubbo_registrar.model import Declared, ObjectKey, Registry, Service
from dubbo_registrar.reporting import Report

_log = structlog.get_logger(__name__)

_INTERVAL_SECONDS = 1.0
_AT_ONCE = 8


@dataclass(slots=True)
class _Entry:
    """One object: what its status should be, what it is, and when it may be written."""

    resource: Resource
    key: ObjectKey
    uid: str
    generation: int
    shown: Mapping[str, Any]
    report: Report | None = None
    not_before: float = field(default=0.0)


class StatusWriter:
    """The status of all RegistryServices and Registries. Called in one event loop; `run` does the writing."""

    def __init__(
        self, client: Client, *, services: Resource, registries: Resource, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare it. `clock` counts seconds."""
        self._client = client
        self._services = services
        self._registries = registries
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._waiting: set[str] = set()
        self._wake = asyncio.Event()
        self._problem = ""

    def report_service(self, declared: Declared[Service], report: Report) -> None:
        """Show a report in the status of a RegistryService, soon."""
        self._put(self._services, declared, report)

    def report_registry(self, declared: Declared[Registry], report: Report) -> None:
        """Show a report in the status of a Registry, soon."""
        self._put(self._registries, declared, report)

    def forget(self, uid: str) -> None:
        """Forget an object that is gone."""
        self._entries.pop(uid, None)
        self._waiting.discard(uid)

    async def run(self) -> NoReturn:
        """Write until cancelled."""
        while True:
            self._wake.clear()
            now = self._clock()
            due = [self._entries[uid] for uid in self._waiting if self._entries[uid].not_before <= now]
            self._waiting -= {entry.uid for entry in due}
            for start in range(0, len(due), _AT_ONCE):
                await asyncio.gather(*(self._write(entry) for entry in due[start : start + _AT_ONCE]))
            waits = [self._entries[uid].not_before - self._clock() for uid in self._waiting]
            with contextlib.suppress(TimeoutError):
                # Woken also while one object's second is not over: another's first report is written at once.
                async with asyncio.timeout(max(0.0, min(waits)) if waits else None):
                    await self._wake.wait()

    def _put(self, resource: Resource, declared: Declared[Any], report: Report) -> None:
        entry = self._entries.get(declared.uid)
        if entry is None:
            entry = _Entry(resource, declared.key, declared.uid, declared.generation, declared.status)
            self._entries[declared.uid] = entry
        entry.generation, entry.report = declared.generation, report
        self._waiting.add(entry.uid)
        self._wake.set()

    async def _write(self, entry: _Entry) -> None:
        """Write what is to be shown, unless it is shown already."""
        if entry.report is None or (status := _status(entry)) == entry.shown:
            return
        entry.not_before = self._clock() + _INTERVAL_SECONDS
        vanished = dict.fromkeys(entry.shown.keys() - status.keys())
        # With the uid, a patch meant for an object that was deleted meanwhile does not reach its successor.
        patch = {"metadata": {"uid": entry.uid}, "status": {**vanished, **status}}
        try:
            await self._client.patch_status(entry.resource, entry.key, patch)
        except (KubernetesUnavailableError, KubernetesForbiddenError) as error:
            if str(error) != self._problem:
                self._problem = str(error)
                _log.warning("status_not_written", object=str(entry.key), error=self._problem)
            if entry.uid in self._entries:
                self._waiting.add(entry.uid)
        except KubernetesRefusedError as error:
            _log.info("status_refused", object=str(entry.key), error=str(error))
        else:
            entry.shown = status
            self._problem = ""


def _status(entry: _Entry) -> dict[str, Any]:
    """Return the status to show. Times of conditions have whole seconds, as the API's own."""
    report = entry.report or Report((), {})
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    former = entry.shown.get("conditions")
    # What an object was given before there was a schema may have any form.
    known = [condition for condition in former if isinstance(condition, dict)] if isinstance(former, list) else []
    return {
        "observedGeneration": entry.generation,
        "conditions": merged(known, report.conditions, generation=entry.generation, at=now),
        **report.fields,
    }
