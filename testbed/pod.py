"""The part of a pod that runs: its provider process, from the address to the last byte.

A pod asks for a process by the annotation ``testbed.dubbo-registrar.io/provider`` with a JSON object::

    {"kind": "dubbo-go", "protocol": "dubbo", "port": 20880, "delaySeconds": 0,
     "services": [{"interface": "demo.CartService", "group": "eu", "version": "1.0.0", "path": null}]}

``delaySeconds`` is how long the start takes at least. The annotation ``drain-seconds`` (same prefix) is the preStop of
a real pod: how long the process goes on serving after the pod was told to end, within its grace period. A process that
dies is started again, as restartPolicy Always demands, and counted in ``restartCount``.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import urllib3

from testbed.api import ApiError
from testbed.nodes import ANNOTATION
from testbed.process import ProcessError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from testbed.api import Api, Object

PROVIDER = f"{ANNOTATION}provider"
SERVING = f"{ANNOTATION}serving"
CRASH = f"{ANNOTATION}crash"
DRAIN_SECONDS = f"{ANNOTATION}drain-seconds"

# How long a deletion may go unnoticed while a process starts.
_READY_SLICE_SECONDS = 0.2
_POLL_SECONDS = 0.05
_RETRY_SECONDS = 0.1
_FORCED_GRACE_SECONDS = 2.0


class Provider(Protocol):
    """A process that serves Dubbo calls at one address; ``testbed.dubbo`` has the real ones."""

    def start(self) -> None:
        """Start the process."""

    def wait_ready(self, timeout: float) -> None:
        """Wait until it answers; raise ``ProcessError`` when it does not within ``timeout`` seconds."""

    def stop(self, grace_seconds: float) -> None:
        """Send SIGTERM, after ``grace_seconds`` SIGKILL; return when it has ended."""

    @property
    def alive(self) -> bool:
        """Whether the process runs."""


class ProviderFactory(Protocol):
    """Makes the provider for a pod; ``specification`` is the JSON object of the annotation."""

    def __call__(self, specification: dict[str, Any], *, host: str, name: str, log_dir: Path) -> Provider:
        """Return a provider bound to ``host``, not started yet."""


@dataclass(frozen=True, slots=True)
class Termination:
    """How a pod ended; all times are seconds since 1970.

    Attributes:
        pod: Its name.
        seen: When the deletion was seen on the watch.
        sigterm: When the process was told to end, after the drain.
        ended: When the process had ended.
    """

    pod: str
    seen: float
    sigterm: float
    ended: float


class Pod:
    """One pod's process and the thread that looks after it.

    Attributes:
        provider: The process that serves now, None before the pod has an address.
    """

    def __init__(self, api: Api, item: Object, *, log_dir: Path, provider: ProviderFactory) -> None:
        """Take charge of the pod ``item``; nothing runs yet."""
        self.name: str = item["metadata"]["name"]
        self.namespace: str = item["metadata"]["namespace"]
        self.uid: str = item["metadata"]["uid"]
        self.provider: Provider | None = None
        self._api = api
        self._item = item
        self._log_dir = log_dir
        self._make_provider = provider
        self._changed = threading.Condition()
        self._gone = False
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name=f"pod {self.name}", daemon=True)
        self._terminations: dict[str, Termination] = {}

    def start(self, terminations: dict[str, Termination]) -> None:
        """Begin to look after the pod; its end will be noted in ``terminations``."""
        self._terminations = terminations
        self._thread.start()

    def observe(self, item: Object) -> None:
        """Take over the pod's newest state."""
        with self._changed:
            self._item = item
            self._changed.notify_all()

    def vanish(self) -> None:
        """The pod is gone from the API: end the process shortly."""
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """The test bed ends: kill the process and touch nothing else."""
        with self._changed:
            self._abandoned = self._gone = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        self._wait(lambda: self._terminating or self._address)
        while not self._terminating:
            self._serve()
        self._end()

    def _serve(self) -> None:
        """Run one process until it dies or the pod is told to end."""
        specification = json.loads(self._item["metadata"]["annotations"][PROVIDER])
        self._wait(lambda: self._terminating, timeout=specification.get("delaySeconds", 0))
        provider = self._make_provider(
            specification, host=self._address, name=self.name, log_dir=self._log_dir / self.name
        )
        self.provider = provider
        provider.start()
        if self._becomes_ready(provider):
            self._annotate({SERVING: "true", CRASH: None})
        while provider.alive and not self._terminating:
            self._wait(lambda: self._terminating, timeout=_POLL_SECONDS)
        if not self._terminating:
            self._annotate({SERVING: None, CRASH: "true"})
            # A restart faster than the change of state would go unseen.
            self._wait(lambda: self._terminating or self._crash_shown)

    def _becomes_ready(self, provider: Provider) -> bool:
        """Wait until the process answers; false when it dies before, or the pod is told to end."""
        while provider.alive and not self._terminating:
            with contextlib.suppress(ProcessError):
                provider.wait_ready(_READY_SLICE_SECONDS)
                return True
        return False

    def _end(self) -> None:
        seen = time.time()
        metadata = self._item["metadata"]
        grace = _FORCED_GRACE_SECONDS if self._gone else float(metadata["deletionGracePeriodSeconds"])
        drain = min(float(metadata["annotations"].get(DRAIN_SECONDS, 0)), grace)
        self._wait(lambda: self._gone, timeout=drain)
        sigterm = time.time()
        if self.provider is not None:
            self.provider.stop(0 if self._abandoned else grace - drain)
        self._terminations[self.uid] = Termination(pod=self.name, seen=seen, sigterm=sigterm, ended=time.time())
        self._persist(lambda: self._api.delete("pods", self.name, namespace=self.namespace, grace_seconds=0))

    @property
    def _address(self) -> str:
        address: str = self._item["status"].get("podIP", "")
        return address

    @property
    def _terminating(self) -> bool:
        return self._gone or "deletionTimestamp" in self._item["metadata"]

    @property
    def _crash_shown(self) -> bool:
        return any("terminated" in status["state"] for status in self._item["status"]["containerStatuses"])

    def _wait(self, condition: Callable[[], object], *, timeout: float | None = None) -> None:
        with self._changed:
            self._changed.wait_for(condition, timeout)

    def _annotate(self, annotations: dict[str, str | None]) -> None:
        self._persist(lambda: self._api.annotate("pods", self.name, annotations, namespace=self.namespace))

    def _persist(self, request: Callable[[], None]) -> None:
        """Send a request until it was carried out, was refused, or has lost its object."""
        while not self._gone:
            try:
                request()
            except urllib3.exceptions.HTTPError:
                self._wait(lambda: self._gone, timeout=_RETRY_SECONDS)
            except ApiError:
                return
            else:
                return
