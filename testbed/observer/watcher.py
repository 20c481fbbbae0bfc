"""A plain client in a process of its own that watches one directory: what consumers are told, and how often.

It does as every Dubbo client: after each callback it reads the list again and sets the next watch.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionLoss, NoNodeError, SessionExpiredError
from kazoo.protocol.states import EventType

from testbed.process import Process

if TYPE_CHECKING:
    from pathlib import Path

_RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the list.

    Attributes:
        cause: ``START`` for the first, ``CHILD`` after a callback, ``RECONNECT`` after a lost connection.
        time: Seconds since 1970.
        children: The names read.
    """

    cause: str
    time: float
    children: frozenset[str]


class Watcher(Process):
    """Watches ``path`` from ``start`` to ``stop``; the directory may come later."""

    def __init__(self, hosts: str, path: str, *, logs: Path, name: str = "watcher") -> None:
        """Describe the process; nothing runs yet."""
        super().__init__(name, [sys.executable, "-m", __name__, hosts, path], log=logs / f"{name}.log")

    def start(self) -> None:
        """Start it; returns when it has read the list for the first time, or waits for the directory to be made."""
        super().start()
        self.wait_ready(lambda: bool(self._lines()))

    @property
    def readings(self) -> list[Reading]:
        """All readings so far."""
        entries = (json.loads(line) for line in self._lines())
        return [
            Reading(cause=entry["cause"], time=entry["time"], children=frozenset(entry["children"]))
            for entry in entries
            if entry["children"] is not None
        ]

    @property
    def callbacks(self) -> int:
        """How often ZooKeeper said that the list has changed."""
        return sum(reading.cause == "CHILD" for reading in self.readings)

    def _lines(self) -> list[str]:
        # The client's own messages share the log.
        return [line for line in self.log.read_text().splitlines(keepends=True) if line[0] == "{" and line[-1] == "\n"]


def main(hosts: str, path: str) -> None:
    """Watch until killed; print one JSON object per reading."""
    client = KazooClient(hosts, connection_retry={"max_tries": -1, "max_delay": 1.0})
    client.start()
    cause = "START"
    while True:
        try:
            cause = _read_and_wait(client, path, cause)
        except (ConnectionLoss, SessionExpiredError):
            cause = "RECONNECT"
            time.sleep(_RETRY_SECONDS)


def _read_and_wait(client: KazooClient, path: str, cause: str) -> str:
    fired = threading.Event()
    causes: list[str] = []

    def call_back(event: object) -> None:
        # A lost connection fires every watch once without a type.
        kind = getattr(event, "type", None)
        causes.append("RECONNECT" if kind == EventType.NONE or kind is None else "CHILD")
        fired.set()

    try:
        children = client.get_children(path, watch=call_back)
    except NoNodeError:
        children = None
        if client.exists(path, watch=call_back) is not None:
            return cause
    print(json.dumps({"cause": cause, "time": time.time(), "children": children}), flush=True)
    fired.wait()
    return causes[0]


if __name__ == "__main__":
    main(*sys.argv[1:])
