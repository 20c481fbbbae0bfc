"""One operating-system process of the test bed: started, watched and never left behind.

It knows nothing of what it runs. Each process leads a process group of its own (Ctrl-C in the terminal does not
reach it) and is killed by the kernel when the test bed dies, however it dies.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_POLL_SECONDS = 0.015

# The parent-death signal follows the thread that forked, not the process: all forks come from one thread that lives
# as long as the interpreter.
_FORKING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fork")


class ProcessError(RuntimeError):
    """A process ended, or was not ready in time. The message carries the end of its log."""


def die_with_parent(command: Sequence[str]) -> list[str]:
    """Return the command that runs ``command`` as a child of this process which the kernel kills when this one dies."""
    # A parent that died before setpriv asked for the signal is not noticed by the kernel: the shell looks once more.
    shell = ["sh", "-c", 'test "$PPID" = "$0" && exec "$@"', str(os.getpid())]
    return ["setpriv", "--pdeathsig", "KILL", *shell, *command]


class Process:
    """A command with a log file. Starting it again appends to the same log."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pipes: bool = False,
    ) -> None:
        """Describe the process; nothing runs yet.

        Args:
            name: How messages call it.
            command: Program and arguments.
            log: File that gets standard error, and standard output unless ``pipes`` is set.
            env: Variables added to those of the test bed.
            cwd: Working folder.
            pipes: Give ``stdin`` and ``stdout`` to the test bed as UTF-8 text streams.
        """
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = dict(env or {})
        self.cwd = cwd
        self._pipes = pipes
        self._popen: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it. Raises ``ProcessError`` when it runs already."""
        if self.alive:
            error = f"{self.name} runs already (pid {self.pid})"
            raise ProcessError(error)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._popen = _FORKING.submit(self._spawn).result()

    def wait_ready(self, ready: Callable[[], bool], *, timeout: float = 30.0) -> None:
        """Wait until ``ready`` answers true; an ``OSError`` from it counts as "not yet".

        Raises:
            ProcessError: The process ended first, or ``timeout`` seconds passed.
        """
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError):
                if ready():
                    return
            if not self.alive:
                raise ProcessError(self._describe(f"ended with {self.returncode} before it was ready"))
            if time.monotonic() > deadline:
                raise ProcessError(self._describe(f"not ready within {timeout:g} s"))
            time.sleep(_POLL_SECONDS)

    def stop(self, *, grace_seconds: float = 10.0) -> None:
        """Send SIGTERM and wait for the end; after ``grace_seconds`` SIGKILL. Nothing happens when it does not run."""
        if self._popen is None:
            return
        self.signal(signal.SIGTERM)
        self.resume()
        try:
            self._popen.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._popen.wait()
        self._close_pipes()

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        if self._popen is None:
            return
        self.signal(signal.SIGKILL)
        self._popen.wait()
        self._close_pipes()

    def pause(self) -> None:
        """Freeze the process (SIGSTOP), as a long garbage collection or a stopped virtual machine does."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole process group; nothing happens when it does not run."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    @property
    def alive(self) -> bool:
        """Whether the process runs (or is paused)."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def returncode(self) -> int | None:
        """Exit code of the last run, negative for a signal; None while it runs or before the first start."""
        return None if self._popen is None else self._popen.poll()

    @property
    def pid(self) -> int:
        """Process id, also that of its process group."""
        return self._started().pid

    @property
    def rss(self) -> int:
        """Resident memory in bytes."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as statm:  # noqa: PTH123 - not a file of the disk
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def stdin(self) -> IO[str]:
        """Its standard input, with ``pipes``."""
        return cast("IO[str]", self._started().stdin)

    @property
    def stdout(self) -> IO[str]:
        """Its standard output, with ``pipes``."""
        return cast("IO[str]", self._started().stdout)

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _spawn(self) -> subprocess.Popen[str]:
        # The pipes outlive this call: stop() and kill() close them.
        with self.log.open("ab") as log:
            return subprocess.Popen(
                die_with_parent(self.command),
                stdin=subprocess.PIPE if self._pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if self._pipes else log,
                stderr=log,
                env={**os.environ, **self.env},
                cwd=self.cwd,
                encoding="utf-8",
                process_group=0,
            )

    def _started(self) -> subprocess.Popen[str]:
        if self._popen is None:
            error = f"{self.name} was not started"
            raise ProcessError(error)
        return self._popen

    def _close_pipes(self) -> None:
        for stream in (self._started().stdin, self._started().stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def _describe(self, problem: str) -> str:
        return f"{self.name}: {problem}; log {self.log} ends with\n{self.log_tail()}"
