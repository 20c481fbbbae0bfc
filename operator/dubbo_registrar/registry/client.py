"""kazoo's client with the limits it has no settings for: for one connection, quick to give up on a host, talkative.

Nothing here knows asyncio: it runs on kazoo's own threads.

Why one connection only: a client that has seen a later state than the server has (it came back empty) is refused for
ever (kazoo issue 42), and what was queued while the connection was away is written when it is back, after its caller
has given up. A client that never connects twice has neither problem.
"""

import errno
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from kazoo.client import KazooClient
from kazoo.handlers.threading import SequentialThreadingHandler

_log = logging.getLogger(__name__)

# Unlimited tries; the longest pause is what a restarted server waits for us at most (jitter: 20 %).
_RETRY: Final = {"max_tries": -1, "delay": 0.1, "backoff": 2, "max_delay": 0.3, "max_jitter": 0.2}


class Reasons(logging.LoggerAdapter[logging.Logger]):
    """The logger of one client: keeps why each host did not answer, which kazoo tells in its log only."""

    def __init__(self) -> None:
        super().__init__(_log, {})
        self.host = ""
        """The host that is being tried, as it was given."""
        self.closed = False
        """The connection was lost: what comes after the reason for that is of no interest."""
        self._by_host: dict[str, str] = {}

    def __str__(self) -> str:
        """Return `host: reason` for each host that failed, in a stable order."""
        return "; ".join(f"{host}: {reason}" for host, reason in sorted(self._by_host.items()))

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:  # noqa: ANN401 - as its base
        """Keep the reason in a warning. All goes to the log at level DEBUG: what a user must know, the session says."""
        if level >= logging.WARNING:
            self._keep(str(msg), args)
        if _log.isEnabledFor(logging.DEBUG):
            super().log(min(level, logging.DEBUG), msg, *args, **kwargs)

    def note(self, host: str, reason: str) -> None:
        """Keep why a host does not serve us now."""
        if not self.closed:
            self._by_host[host] = reason

    def _keep(self, text: str, args: tuple[object, ...]) -> None:
        if text.startswith("Cannot resolve"):
            self.note(str(args[0]), str(args[1]))
        elif text.startswith(("Connection dropped", "Connection time-out", "AUTH_FAILED")):
            self.note(self.host, str(args[0]).removeprefix("socket connection error: "))
        elif text.startswith("Session has expired"):
            self.note(self.host, "the server says that the session has expired")


class _Handler(SequentialThreadingHandler):  # type: ignore[misc]  # kazoo has no types
    """kazoo's threads and sockets for one connection.

    Args:
        attempt_timeout: How long the TCP (and TLS) connect may take, and each step of the handshake after it, in
            seconds. kazoo would wait a whole session timeout for a host that does not answer.
        reasons: Told which host is tried.
        on_end: Called when one of the threads has ended, whatever the cause: the client is of no use any more.
    """

    def __init__(self, *, attempt_timeout: float, reasons: Reasons, on_end: Callable[[], None]) -> None:
        super().__init__()
        self.established = threading.Event()
        self._attempt_timeout = attempt_timeout
        self._reasons = reasons
        self._on_end = on_end

    def create_connection(self, address: tuple[str, int], **options: Any) -> Any:  # noqa: ANN401 - as its base
        """Connect to a host, once: after the first established connection every further one is refused."""
        if self.established.is_set():
            raise ConnectionAbortedError(errno.ECONNABORTED, "a client connects once")
        self._reasons.host = f"{options['hostname']}:{address[1]}"
        options["timeout"] = self._attempt_timeout
        try:
            return super().create_connection(address=address, **options)
        except TimeoutError:
            # A time-out of Python has no errno, and kazoo would report "None".
            raise TimeoutError(errno.ETIMEDOUT, f"no answer within {self._attempt_timeout:g} s") from None

    def select(self, *waiting: Any, **options: Any) -> Any:  # noqa: ANN401 - as its base
        """Wait for sockets; while connecting, no longer than an attempt may take."""
        if not self.established.is_set():
            readers, writers, failing, timeout = waiting
            waiting = (readers, writers, failing, min(timeout, self._attempt_timeout))
        return super().select(*waiting, **options)

    def spawn(self, function: Callable[..., object], *args: Any, **kwargs: Any) -> threading.Thread:  # noqa: ANN401
        """Start a thread and report its end."""

        def run() -> None:
            try:
                function(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - kazoo's loop raises whatever a broken reply leads to
                self._reasons.note(self._reasons.host, f"{type(error).__name__}: {error}")
            finally:
                self._on_end()

        thread = threading.Thread(target=run, daemon=True, name="zookeeper")
        thread.start()
        return thread


def make_client(
    hosts: Sequence[str],
    *,
    session_timeout: float,
    connect_timeout: float,
    reasons: Reasons,
    on_connected: Callable[[], None],
    on_lost: Callable[[], None],
) -> KazooClient:
    """Return a client that is not started yet.

    Args:
        hosts: `host:port` of each server.
        session_timeout: What is asked for, in seconds.
        connect_timeout: How long one attempt at one host may take, in seconds.
        reasons: Gets the reasons why hosts do not answer.
        on_connected: Called on a thread of kazoo when the connection is made.
        on_lost: Called on a thread of kazoo, once or more, when the connection is lost or can never be made.
    """
    handler = _Handler(attempt_timeout=connect_timeout, reasons=reasons, on_end=on_lost)
    client = KazooClient(
        ",".join(hosts), timeout=session_timeout, handler=handler, connection_retry=_RETRY, logger=reasons
    )

    def listen(_: str) -> None:
        if client.connected:
            handler.established.set()
            on_connected()
        else:
            reasons.closed = True
            on_lost()

    client.add_listener(listen)
    return client
