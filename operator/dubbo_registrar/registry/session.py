"""The session with one ZooKeeper ensemble: keeps a connection, replaces it when it is lost, and says how things stand.

Each connection is a new ZooKeeper session (`connection.py`). That is cheap: our nodes are persistent, a session owns
nothing but watches, and those have to be set again after each loss anyhow.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from kazoo.exceptions import (
    AuthFailedError,
    ConnectionLoss,
    OperationTimeoutError,
    RequestTimeoutError,
    SessionExpiredError,
    SessionMovedError,
)

from dubbo_registrar.errors import RegistryUnavailableError, UnknownOutcomeError
from dubbo_registrar.registry.connection import Connection, Operation

_log = logging.getLogger(__name__)

_LOST: Final = (
    AuthFailedError,
    ConnectionLoss,
    OperationTimeoutError,
    RequestTimeoutError,
    SessionExpiredError,
    SessionMovedError,
)
"""What kazoo raises when an answer did not come."""

# A peer that went mute is noticed after 2/3 of the session timeout by kazoo, after these six seconds by us.
_QUIET_SECONDS: Final = 2.0
_ANSWER_SECONDS: Final = 4.0

_CLOSE_SECONDS: Final = 2.0

# Connections that are lost again at once are made at a growing distance.
_SHORT_LIFE_SECONDS: Final = 5.0
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 10.0


class Session:
    """A lasting way to one ensemble. All methods are called in the event loop.

    Args:
        hosts: `host:port` of each server.
        session_timeout: What is asked of ZooKeeper, in seconds.
        connect_timeout: How long one attempt at one server may take, in seconds.
        on_change: Called in the loop whenever `connected` has changed, and when it is clear that there is a `problem`.
    """

    def __init__(
        self,
        hosts: Sequence[str],
        *,
        session_timeout: float,
        connect_timeout: float,
        on_change: Callable[[], None],
    ) -> None:
        self.session_timeout = session_timeout
        self.connected = False
        self.epoch = 0
        """Counts the connections: when it has grown, all watches are gone and everything has to be read again."""
        self._hosts = tuple(hosts)
        self._connect_timeout = connect_timeout
        self._on_change = on_change
        self._connection: Connection | None = None
        self._reason = ""

    @property
    def session_id(self) -> int | None:
        """The id of the present ZooKeeper session; None while not connected."""
        return self._connection.session_id if self._connection and self.connected else None

    @property
    def problem(self) -> str:
        """Why there is no connection and what to do about it, in one line; empty while connected."""
        if self.connected:
            return ""
        reason = (self._connection and str(self._connection.reasons)) or self._reason or "no server has answered yet"
        return (
            f"no connection to ZooKeeper at {', '.join(self._hosts)} ({reason}): check that the servers run, that the "
            "addresses are right and that no network policy keeps the operator from them; tried again all the time"
        )

    async def run(self) -> None:
        """Keep a connection until cancelled."""
        loop = asyncio.get_running_loop()
        pause = 0.0
        while True:
            connection = Connection(
                self._hosts, session_timeout=self.session_timeout, connect_timeout=self._connect_timeout
            )
            started, epoch = loop.time(), self.epoch
            try:
                await self._follow(connection)
            except asyncio.CancelledError:
                await asyncio.wait([connection.close()], timeout=_CLOSE_SECONDS)
                raise
            connection.close()
            if self.epoch != epoch:
                _log.warning("lost the connection to ZooKeeper: %s", self._reason)
            short = loop.time() - started < _SHORT_LIFE_SECONDS
            pause = min(max(2 * pause, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS) if short else 0.0
            await asyncio.sleep(pause)

    async def read(self, operation: Operation) -> Any:  # noqa: ANN401 - each operation has a result of its own
        """Ask ZooKeeper something.

        Raises:
            RegistryUnavailableError: There is no connection, or it was lost before the answer came.
            ZookeeperError: What ZooKeeper answered.
        """
        try:
            return await self._connected().call(operation)
        except _LOST as error:
            raise RegistryUnavailableError("the connection to ZooKeeper was lost") from error

    async def write(self, operation: Operation) -> Any:  # noqa: ANN401
        """Have ZooKeeper change something. Nothing is ever sent a second time.

        Raises:
            UnknownOutcomeError: The connection was lost before the answer came.
            RegistryUnavailableError: There is no connection; nothing was sent.
            ZookeeperError: What ZooKeeper answered.
        """
        try:
            return await self._connected().call(operation)
        except _LOST as error:
            raise UnknownOutcomeError("the connection to ZooKeeper was lost before it answered a write") from error

    def _connected(self) -> Connection:
        if self._connection is None or not self.connected:
            raise RegistryUnavailableError(self.problem)
        return self._connection

    async def _follow(self, connection: Connection) -> None:
        """Follow a connection from its start to its end."""
        self._connection = connection
        complaint = asyncio.get_running_loop().call_later(self._connect_timeout, self._complain)
        try:
            if await connection.open() and await self._answers(connection, lambda client: client.sync_async("/")):
                complaint.cancel()
                self._turn(connected=True)
                while await self._answers(connection, lambda client: client.exists_async("/")):
                    await self._until_quiet(connection)
        finally:
            complaint.cancel()
            self._reason = str(connection.reasons) or self._reason
            self._connection = None
            # Whoever waits for an answer is told before anybody hears of the change.
            connection.end()
            if self.connected:
                self._turn(connected=False)

    async def _answers(self, connection: Connection, question: Operation) -> bool:
        """Ask the server something, and tell whether it answers: this, or anything else that was asked before it.

        The first question is a `sync`: a new session may have come to a server of the ensemble that lags behind what
        the last session has read and written; after a sync it does not. The answer also shows that the session is
        accepted, which kazoo's state does not.
        """
        asking = asyncio.ensure_future(connection.call(question))
        try:
            while True:
                answered, _ = await asyncio.wait([asking], timeout=_ANSWER_SECONDS)
                if answered:
                    return asking.exception() is None
                if connection.quiet_seconds >= _ANSWER_SECONDS:
                    connection.reasons.note(connection.reasons.host, f"no answer for {_ANSWER_SECONDS:g} s")
                    return False
        finally:
            asking.cancel()

    async def _until_quiet(self, connection: Connection) -> None:
        """Wait until nothing was heard for a while, or the connection is lost."""
        while not connection.lost and (quiet := connection.quiet_seconds) < _QUIET_SECONDS:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_QUIET_SECONDS - quiet):
                    await connection.wait_lost()

    def _complain(self) -> None:
        """Tell why there is no connection yet: the first attempts have failed by now."""
        _log.warning("%s", self.problem)
        self._on_change()

    def _turn(self, *, connected: bool) -> None:
        self.connected = connected
        if connected:
            self.epoch += 1
            self._reason = ""
            _log.info("connected to ZooKeeper at %s", ", ".join(self._hosts))
        self._on_change()
