"""A reverse proxy in front of the API server that can be made to misbehave: for faults that no signal can produce.

It speaks plain HTTP on loopback (inside the private network) and passes everything on, the token included.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from testbed.control_plane import ControlPlane

_HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
_CHUNK_BYTES = 65536


class FlakyApi:
    """The proxy, for use in a ``with`` block; point a ``Registrar`` at ``server``.

    Attributes:
        server: Its address, ``http://host:port``.
    """

    def __init__(self, control_plane: ControlPlane) -> None:
        """Take a port; requests are answered inside the ``with`` block."""
        self.flowing = threading.Event()
        self.flowing.set()
        self._context = ssl.create_default_context()
        self._control_plane = control_plane
        self._failure = 0
        self._broken_watches: list[HTTPStatus] = []
        self._expired_tokens = 0
        self._page_size = 0
        self._lock = threading.Lock()
        self._watches: set[socket.socket] = set()
        self._http = _Server(("127.0.0.1", 0), lambda *arguments: _Handler(self, *arguments))
        self.server = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._context.load_verify_locations(self._control_plane.certificate_authority)
        threading.Thread(target=self._http.serve_forever, name="flaky API", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.flowing.set()
        self._http.shutdown()
        self._http.server_close()
        self.cut_watches()

    @property
    def pending(self) -> int:
        """How many answers that were asked for (expired or failed watches, expired tokens) nobody has got yet."""
        with self._lock:
            return len(self._broken_watches) + self._expired_tokens

    @property
    def open_watches(self) -> int:
        """How many watches are open."""
        with self._lock:
            return len(self._watches)

    def cut_watches(self) -> int:
        """Break all watches in the middle, as a load balancer does; return how many there were."""
        with self._lock:
            watches = list(self._watches)
        for watch in watches:
            with contextlib.suppress(OSError):
                watch.shutdown(socket.SHUT_RDWR)
        return len(watches)

    def expire_watches(self, count: int) -> None:
        """Answer the next ``count`` watches with 410 "too old resource version", in the stream as the real one does."""
        with self._lock:
            self._broken_watches = [HTTPStatus.GONE] * count

    def fail_watches(self, count: int) -> None:
        """Answer the next ``count`` watches with an error 500, in the stream as well."""
        with self._lock:
            self._broken_watches = [HTTPStatus.INTERNAL_SERVER_ERROR] * count

    def expire_tokens(self, count: int, *, page_size: int) -> None:
        """Cut lists into pages of ``page_size``, and answer the next ``count`` requests for a further page with 410."""
        with self._lock:
            self._expired_tokens, self._page_size = count, page_size

    @contextmanager
    def failing(self, status: int = 500) -> Iterator[None]:
        """Answer every request with an error while the block runs; watches that are open go on."""
        self._failure = status
        try:
            yield
        finally:
            self._failure = 0

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Pass nothing on while the block runs, neither requests nor events; then everything."""
        self.flowing.clear()
        try:
            yield
        finally:
            self.flowing.set()

    @property
    def failure(self) -> int:
        """The status every request is answered with, 0 for none."""
        return self._failure

    def take_broken_watch(self) -> HTTPStatus | None:
        """Return the error for this watch, None when it is none of those that were asked for."""
        with self._lock:
            return self._broken_watches.pop() if self._broken_watches else None

    def take_expired_token(self) -> bool:
        """Whether this request for a further page is one of those that ``expire_tokens`` asked for."""
        with self._lock:
            self._expired_tokens, taken = max(0, self._expired_tokens - 1), self._expired_tokens > 0
        return taken

    @property
    def page_size(self) -> int:
        """How many objects a page of a list may have, 0 for as many as the client asks for."""
        return self._page_size

    def connect(self) -> http.client.HTTPSConnection:
        """Return a new connection to the API server."""
        host, port = urlsplit(self._control_plane.server).netloc.split(":")
        return http.client.HTTPSConnection(host, int(port), context=self._context)

    @contextmanager
    def watching(self, connection: socket.socket) -> Iterator[None]:
        """Count ``connection`` among the open watches while the block runs."""
        with self._lock:
            self._watches.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._watches.discard(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that went away, or was cut off: nothing to tell."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"

    def __init__(self, proxy: FlakyApi, *arguments: object) -> None:
        self._proxy = proxy
        super().__init__(*arguments)  # type: ignore[arg-type]  # passed on as they come

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._proxy.flowing.wait()
        if self._proxy.failure:
            self._answer(self._proxy.failure, _status(self._proxy.failure, "the proxy was told to fail"))
        elif self._is_watch and (status := self._proxy.take_broken_watch()):
            message = "too old resource version: 1 (2)" if status is HTTPStatus.GONE else "the proxy was told to fail"
            self._answer(HTTPStatus.OK, {"type": "ERROR", "object": _status(status, message)})
        elif "continue" in self._query and self._proxy.take_expired_token():
            self._answer(HTTPStatus.GONE, _status(HTTPStatus.GONE, "The provided continue parameter is too old"))
        else:
            # Either side may go at any time; the other one learns it from the end of its connection.
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._forward(body)
            self.close_connection = self.close_connection or self._is_watch

    do_DELETE = do_PATCH = do_POST = do_PUT = do_GET  # noqa: N815 - the base class calls them so

    def log_message(self, *_: object) -> None:
        """Requests are in the API server's own log."""

    def _forward(self, body: bytes) -> None:
        with contextlib.closing(self._proxy.connect()) as upstream:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            upstream.request(self.command, self._path(), body or None, headers)
            response = upstream.getresponse()
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            if self._is_watch and response.status == HTTPStatus.OK:
                self._stream(response)
            else:
                self._finish(response.read())

    def _stream(self, response: http.client.HTTPResponse) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with self._proxy.watching(self.connection):
            while chunk := response.read1(_CHUNK_BYTES):
                self._proxy.flowing.wait()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def _answer(self, status: int, answer: object) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self._finish(json.dumps(answer).encode() + b"\n")

    def _finish(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _path(self) -> str:
        """Return what to ask the API server for."""
        if "limit" not in self._query or not self._proxy.page_size:
            return self.path
        query = urlencode({**self._query, "limit": str(self._proxy.page_size)})
        return urlunsplit(urlsplit(self.path)._replace(query=query))

    @property
    def _query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query))

    @property
    def _is_watch(self) -> bool:
        return self._query.get("watch") in {"1", "true", "True"}


def _status(code: int, message: str) -> dict[str, object]:
    reason = "Expired" if code == HTTPStatus.GONE else "InternalError"
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
