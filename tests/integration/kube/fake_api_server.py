"""An API server that fails on command, for the faults that a real one cannot be made to show at will.

It serves pods only: lists in pages, watches with versions, history and bookmarks, as in "Kubernetes API Concepts".
Whatever a real API server can be made to do is tested with a real one.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from aiohttp import web

Raw: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[str, str]

CUT = b""
"""Put into a watch instead of bytes: the connection breaks."""


def pod(name: str, *, namespace: str = "shop", uid: str = "", **metadata: object) -> Raw:
    """Make a ready pod without containers."""
    status = {"phase": "Running", "podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]}
    metadata = {"namespace": namespace, "name": name, "uid": uid or f"uid-of-{name}", **metadata}
    return {"metadata": metadata, "spec": {}, "status": status}


class FakeApiServer:
    """Pods in memory, behind HTTP on a loopback port that stays the same over restarts."""

    def __init__(self) -> None:
        self.version = 100
        self.oldest = 0
        """Watches from before this version are told that it is too old (410)."""
        self.page_size = 3
        """Pages are never larger, whatever limit is asked for."""
        self.muted = False
        """Watches are opened and then hear nothing."""
        self.lists: list[Mapping[str, str]] = []
        """The queries of all requests for lists, in order."""
        self.tokens: list[str] = []
        """The Authorization headers of all requests, in order."""
        self.watches: list[Mapping[str, str]] = []
        """The queries of all requests for watches, in order."""
        self.answers: deque[tuple[int, object] | None] = deque()
        """Status and body of the next answers to requests for lists; None is an answer as usual."""
        self.watch_answers: deque[tuple[int, object] | None] = deque()
        """The same for watches."""
        self.on_page: Callable[[], None] = lambda: None
        """Called before each page is made."""
        self._pods: dict[Key, Raw] = {}
        self._history: list[tuple[int, Raw]] = []
        self._streams: list[asyncio.Queue[bytes | None]] = []
        self._lists: dict[str, tuple[int, list[Raw]]] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Return where it is served."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def open_watches(self) -> int:
        """Return how many watches are open."""
        return len(self._streams)

    async def start(self) -> None:
        """Serve, on the former port if there was one."""
        app = web.Application()
        app.router.add_get("/api/v1/pods", self._serve)
        app.router.add_get("/api", _always({"versions": ["v1"]}))
        app.router.add_get("/apis", _always({"groups": []}))
        app.router.add_get("/api/v1", _always({"resources": [_served("Pod"), _served("Namespace")]}))
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Cut everything and refuse connections; the pods stay."""
        self.send(CUT)
        if self._runner is not None:
            await self._runner.cleanup()

    def put(self, raw: Raw) -> None:
        """Create or replace a pod."""
        key = (raw["metadata"]["namespace"], raw["metadata"]["name"])
        self.version += 1
        raw = {**raw, "metadata": {**raw["metadata"], "resourceVersion": str(self.version)}}
        self._record("MODIFIED" if key in self._pods else "ADDED", raw)
        self._pods[key] = raw

    def delete(self, name: str, *, namespace: str = "shop") -> None:
        """Delete a pod."""
        raw = self._pods.pop((namespace, name))
        self.version += 1
        self._record("DELETED", {**raw, "metadata": {**raw["metadata"], "resourceVersion": str(self.version)}})

    def compact(self) -> None:
        """Forget what happened so far: who has not seen it must list again."""
        self.oldest = self.version

    def restore(self, version: int) -> None:
        """Go back to an earlier version, as after the restoration of a backup; the pods stay."""
        self.version = version
        self._history.clear()

    def bookmark(self) -> None:
        """Tell all watches the present version."""
        self.version += 1
        self.send(_line("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(self.version)}}))

    def error(self, code: int) -> None:
        """Send an ERROR event to all watches."""
        self.send(_line("ERROR", {"kind": "Status", "code": code, "message": "as told"}))

    def send(self, *pieces: bytes) -> None:
        """Send bytes to all watches as they are, `CUT` to break them."""
        for stream in self._streams:
            for piece in pieces:
                stream.put_nowait(piece)

    def end_watches(self) -> None:
        """End all watches as at the end of their time."""
        for stream in self._streams:
            stream.put_nowait(None)

    def _record(self, event: str, raw: Raw) -> None:
        self._history.append((self.version, {"type": event, "object": raw}))
        if not self.muted:
            self.send(_line(event, raw))

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.tokens.append(request.headers.get("Authorization", ""))
        if request.query.get("watch"):
            self.watches.append(dict(request.query))
            return _told(self.watch_answers) or await self._watch(request)
        self.lists.append(dict(request.query))
        return _told(self.answers) or self._list(request)

    def _list(self, request: web.Request) -> web.Response:
        self.on_page()
        token = request.query.get("continue", "")
        version, items = self._lists.pop(token) if token else (self.version, list(self._pods.values()))
        if version < self.oldest:
            return web.json_response({"code": 410, "message": "The provided continue parameter is too old"}, status=410)
        size = min(self.page_size, int(request.query.get("limit", self.page_size)))
        metadata = {"resourceVersion": str(version)}
        if items[size:]:
            metadata["continue"] = f"{version}+/{len(items)}=="
            self._lists[metadata["continue"]] = version, items[size:]
        return web.json_response({"kind": "PodList", "items": items[:size], "metadata": metadata})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        since = int(request.query["resourceVersion"])
        stream: asyncio.Queue[bytes | None] = asyncio.Queue()
        if since < self.oldest:
            stream.put_nowait(_line("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"}))
            stream.put_nowait(None)
        elif not self.muted:
            for version, event in self._history:
                if version > since:
                    stream.put_nowait(_line(event["type"], event["object"]))
        self._streams.append(stream)
        try:
            with suppress(ConnectionResetError):
                while (piece := await stream.get()) is not None:
                    if piece == CUT and request.transport is not None:
                        request.transport.close()
                    await response.write(piece)
        finally:
            self._streams.remove(stream)
        return response


def _served(kind: str) -> Raw:
    names = {"name": f"{kind.lower()}s", "singularName": kind.lower(), "kind": kind}
    return {**names, "namespaced": kind == "Pod", "verbs": ["list", "watch", "patch"]}


def _told(answers: deque[tuple[int, object] | None]) -> web.Response | None:
    told = answers.popleft() if answers else None
    return web.json_response(told[1], status=told[0]) if told else None


def _always(body: object) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body)

    return answer


def _line(event: str, raw: Raw) -> bytes:
    return json.dumps({"type": event, "object": raw}).encode() + b"\n"
