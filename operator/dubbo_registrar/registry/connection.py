"""One connection to ZooKeeper behind an asyncio face: opened once, used, lost or closed, never opened again.

Who replaces it when it is lost is the session (`session.py`). Answers travel from kazoo's threads into the event loop;
no call of kazoo that blocks is made in the loop.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionLoss, KazooException

from dubbo_registrar.errors import RegistryUnavailableError
from dubbo_registrar.registry.client import Reasons, make_client

Operation = Callable[[KazooClient], Any]
"""Starts a request with one of the `..._async` methods of the client it is given, and returns kazoo's result object."""

# kazoo wakes its thread with one byte per request through a socket pair, and blocks the caller when 277 wait in it.
_WINDOW: Final = 250


class Connection:
    """One connection. All methods are called in the event loop."""

    def __init__(self, hosts: Sequence[str], *, session_timeout: float, connect_timeout: float) -> None:
        self.reasons = Reasons()
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._client = make_client(
            hosts,
            session_timeout=session_timeout,
            connect_timeout=connect_timeout,
            reasons=self.reasons,
            on_connected=lambda: self._in_loop(self._opened),
            on_lost=lambda: self._in_loop(self.end),
        )
        self._open = asyncio.Event()
        self._ended = asyncio.Event()
        self._window = asyncio.Semaphore(_WINDOW)
        self._waiting: set[asyncio.Future[Any]] = set()
        self._answers: deque[tuple[asyncio.Future[Any], Any]] = deque()

    @property
    def session_id(self) -> int | None:
        """The id of the session, while connected."""
        session = self._client.client_id
        return session[0] if session else None

    async def open(self) -> bool:
        """Start, and wait until it is connected (True) or can never be (False). Hosts are tried until one answers."""
        self._client.start_async()
        await self._open.wait()
        return not self.lost

    @property
    def lost(self) -> bool:
        """Whether it has ended."""
        return self._ended.is_set()

    @property
    def quiet_seconds(self) -> float:
        """How long ago the last answer came."""
        return self._loop.time() - self._heard

    async def wait_lost(self) -> None:
        """Wait until it has ended."""
        await self._ended.wait()

    async def call(self, operation: Operation) -> Any:  # noqa: ANN401 - each operation has a result of its own
        """Send a request and return its answer. The order of requests is the order of the calls.

        Raises:
            RegistryUnavailableError: The connection had ended; nothing was sent.
            ConnectionLoss: It ended before the answer came.
            KazooException: What ZooKeeper answered.
        """
        await self._window.acquire()
        if self.lost:
            self._window.release()
            raise RegistryUnavailableError("the connection to ZooKeeper was lost")
        try:
            result = operation(self._client)
        except BaseException:
            self._window.release()
            raise
        # When the caller is cancelled, the request stays in kazoo's queue: its place in the window is given back
        # with its answer, not before.
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.add(answer)
        result.rawlink(lambda result: self._deliver(answer, result))
        return await answer

    def end(self) -> None:
        """Give the connection up: every request that waits for an answer fails."""
        self._ended.set()
        self._open.set()
        for answer in tuple(self._waiting):
            self._settle(answer, ConnectionLoss())

    def close(self) -> asyncio.Future[None]:
        """End the session at the server, if it can be reached, and let go of threads and sockets.

        To be called once. The work is done on a thread of its own, since kazoo may wait for 10 s and more; the future
        tells when it is done.
        """
        self.end()
        done: asyncio.Future[None] = self._loop.create_future()

        def stop() -> None:
            with contextlib.suppress(KazooException, OSError):
                self._client.stop()
                self._client.close()
            self._in_loop(lambda: done.set_result(None))

        threading.Thread(target=stop, daemon=True, name="zookeeper-close").start()
        return done

    def _opened(self) -> None:
        self._heard = self._loop.time()
        self._open.set()

    def _deliver(self, answer: asyncio.Future[Any], result: Any) -> None:  # noqa: ANN401
        """Take an answer on kazoo's thread. The loop is woken once for all answers that it finds."""
        self._answers.append((answer, result))
        if len(self._answers) == 1:
            self._in_loop(self._take_answers)

    def _take_answers(self) -> None:
        self._heard = self._loop.time()
        while self._answers:
            answer, result = self._answers.popleft()
            self._settle(answer, result.exception or result.value)

    def _settle(self, answer: asyncio.Future[Any], outcome: Any) -> None:  # noqa: ANN401
        if answer not in self._waiting:
            return
        self._waiting.discard(answer)
        self._window.release()
        if answer.done():
            return
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    def _in_loop(self, function: Callable[[], object]) -> None:
        # kazoo's threads may outlive the loop.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)
