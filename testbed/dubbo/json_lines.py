"""A process of the test bed that prints JSON objects, one per line; a thread hands each to its owner."""

from __future__ import annotations

import json
import signal
import threading
from typing import TYPE_CHECKING, Any

from testbed.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class JsonLines(Process):
    """A process whose lines are taken in by ``on_line``, which runs in a thread of its own.

    Lines that are no JSON object are left out: a library may print before it can be told not to.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, log_dir: Path, on_line: Callable[[dict[str, Any]], None]
    ) -> None:
        """Describe the process; nothing runs yet. Standard error goes to ``<name>.log`` in ``log_dir``."""
        super().__init__(name, command, log=log_dir / f"{name}.log", cwd=log_dir, pipes=True)
        self._on_line = on_line
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start process and reader. Raises ``ProcessError`` when it runs already."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        super().start()
        self._reader = threading.Thread(target=self._read, name=f"lines of {self.name}", daemon=True)
        self._reader.start()

    def stop(self, *, grace_seconds: float = 10.0) -> None:
        """Send SIGTERM, after ``grace_seconds`` SIGKILL; every line it printed was taken in before this returns."""
        self.signal(signal.SIGTERM)
        self._finish(grace_seconds)

    def close_input(self, *, grace_seconds: float) -> None:
        """As ``stop``, but tell it to end by closing its standard input."""
        if self._reader is not None and self.alive:
            self.stdin.close()
        self._finish(grace_seconds)

    def kill(self) -> None:
        """Send SIGKILL; every line it printed was taken in before this returns."""
        self.signal(signal.SIGKILL)
        self._finish(0)

    def _finish(self, grace_seconds: float) -> None:
        if self._reader is None:
            return
        self.resume()
        # The reader sees the end of the stream when the process ends, and has to before anyone closes it.
        self._reader.join(grace_seconds)
        self.signal(signal.SIGKILL)
        self._reader.join()
        super().kill()

    def _read(self) -> None:
        for line in self.stdout:
            if line.startswith("{"):
                self._on_line(json.loads(line))
