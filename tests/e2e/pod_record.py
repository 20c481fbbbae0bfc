"""What Kubernetes said of the pods of a namespace, and when: each watch event with the wall-clock time it came at.

It judges nothing: `tree_record.py` compares it with what ZooKeeper's transaction log says.
"""

import contextlib
import threading
import time
from dataclasses import dataclass, replace
from typing import Self

import urllib3

from testbed.api import Api, Object
from tests.e2e.shop import is_ready

_WATCH_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Spell:
    """A time during which a pod was ready and not terminating.

    Attributes:
        pod: Its name.
        uid: Its uid.
        host: Its address.
        start: When the event came that showed it ready, seconds since 1970; for pods that were ready before the record
            began, that moment.
        end: When the event came that showed it not ready, terminating or gone; infinity while it lasts.
        terminating: Whether it ended because the pod is to go.
    """

    pod: str
    uid: str
    host: str
    start: float
    end: float = float("inf")
    terminating: bool = False


class PodRecord:
    """A watch of its own on the pods of a namespace, kept from `with` to the end of the block.

    Attributes:
        begun: When the pods were listed, seconds since 1970.
    """

    def __init__(self, api: Api, namespace: str) -> None:
        """Describe it; nothing is watched yet."""
        self.begun = 0.0
        self._api = api
        self._namespace = namespace
        self._closed: list[Spell] = []
        self._open: dict[str, Spell] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pod record", daemon=True)
        self._version = ""

    def __enter__(self) -> Self:
        listed = self._api.request("GET", f"/api/v1/namespaces/{self._namespace}/pods")
        self.begun = time.time()
        self._version = listed["metadata"]["resourceVersion"]
        for pod in listed["items"]:
            self._take("ADDED", pod, self.begun)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def spells(self) -> list[Spell]:
        """All spells so far, those that last at the end."""
        return [*self._closed, *self._open.copy().values()]

    def _watch(self) -> None:
        # Short watches, so that it ends soon after it is told to; none starts later than the former one has come.
        while not self._stopping.is_set():
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                for event in self._api.watch(
                    "pods",
                    namespace=self._namespace,
                    resource_version=self._version,
                    timeout_seconds=_WATCH_SECONDS,
                ):
                    self._take(event["type"], event["object"], time.time())
                    self._version = event["object"]["metadata"]["resourceVersion"]

    def _take(self, kind: str, pod: Object, at: float) -> None:
        uid = pod["metadata"]["uid"]
        if kind != "DELETED" and is_ready(pod):
            if uid not in self._open:
                self._open[uid] = Spell(pod["metadata"]["name"], uid, pod["status"]["podIP"], at)
        elif uid in self._open:
            terminating = kind == "DELETED" or "deletionTimestamp" in pod["metadata"]
            self._closed.append(replace(self._open.pop(uid), end=at, terminating=terminating))
