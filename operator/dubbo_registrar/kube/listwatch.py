"""The list and watch protocol of the Kubernetes API, for one resource: pages and events, checked, as raw JSON.

It keeps nothing and never retries; `reflector.py` does. Source: "Kubernetes API Concepts", on detecting changes.
"""

import contextlib
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, TypeAlias

from dubbo_registrar.errors import KubernetesRefusedError, KubernetesUnavailableError
from dubbo_registrar.kube.client import Client, Resource, Stream
from dubbo_registrar.model import ObjectKey

Raw: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON."""

PAGE_SIZE = 500
SILENCE_SECONDS = 70.0
"""A watch without a byte for so long is dead: the API server sends a bookmark about once a minute."""
_WATCH_SECONDS = (270, 330)
_MAX_LINE_BYTES = 64 * 2**20
"""Far above the largest object that etcd can hold (1.5 MB by default): whatever it is, it is no event."""


class UnreadableAnswerError(KubernetesUnavailableError):
    """An answer came whole and is not what the protocol says: what it told is lost, only a new list brings it back."""


class EventType(StrEnum):
    """What a watch event says of its object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    items: list[Raw]
    version: str
    """The resourceVersion of the list, the same on all its pages."""
    token: str
    """What to ask for the next page with; empty on the last one."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a watch."""

    type: EventType
    object: Raw
    version: str
    """The resourceVersion to go on from once this event is applied."""


class ListWatch:
    """Lists and watches one resource, optionally only the objects that a label selector matches."""

    def __init__(
        self, client: Client, resource: Resource, *, labels: str = "", silence: float = SILENCE_SECONDS
    ) -> None:
        self._client = client
        self._resource = resource
        self._selection = {"labelSelector": labels} if labels else {}
        self._silence = silence

    async def page(self, token: str) -> Page:
        """Read the first page of the newest state (`token` empty), or a further page of the same list.

        Raises:
            UnreadableAnswerError: The answer is no list.
            KubernetesUnavailableError: As `Client.list_page`.
            KubernetesRefusedError: As `Client.list_page`; with status 410 the token has expired: begin again.
        """
        return await self._page({"limit": str(PAGE_SIZE), **({"continue": token} if token else {})})

    async def version(self) -> str:
        """Ask for the resourceVersion of the newest state; errors as `page`."""
        return (await self._page({"limit": "1"})).version

    @contextlib.asynccontextmanager
    async def watch(self, version: str) -> AsyncIterator["Watch"]:
        """Watch what happens after `version`, for about five minutes; errors as `Client.watch`."""
        query = {
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            # Spread, so that the watches of many clients do not end together.
            "timeoutSeconds": str(random.randint(*_WATCH_SECONDS)),  # noqa: S311 - no secret
            **self._selection,
        }
        async with self._client.watch(self._resource, query, silence=self._silence) as stream:
            yield Watch(stream)

    async def _page(self, query: dict[str, str]) -> Page:
        # No resourceVersion: 0 would allow a state from any cache, older than what was seen before.
        match await self._client.list_page(self._resource, {**query, **self._selection}):
            # An empty list may be null. A list without items or version is an answer of something else, and not empty.
            case {"items": list() | None as items, "metadata": {"resourceVersion": str(version), **rest}} if version:
                return Page(items or [], version, str(rest.get("continue") or ""))
            case _:
                raise UnreadableAnswerError(f"the API server's answer to a list of {self._resource} is no list")


class Watch:
    """An open watch."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rest = b""

    async def events(self) -> list[Event] | None:
        """Return the events that arrived next, in order (perhaps none is complete yet); None when the server ends it.

        Raises:
            KubernetesUnavailableError: The watch was cut or silent for too long: go on after the last event.
            UnreadableAnswerError: A line is no event.
            KubernetesRefusedError: The server sent an error, with its status (410: the version is too old).
        """
        piece = await self._stream.read()
        if not piece:
            if self._rest:
                raise KubernetesUnavailableError("the watch was cut in the middle of an event")
            return None
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > _MAX_LINE_BYTES:
            raise UnreadableAnswerError("the watch sends a line without an end")
        return [_event(line) for line in lines if line]


def key_of(raw: Raw) -> ObjectKey:
    """Return namespace (empty if it has none) and name of an object.

    Raises:
        UnreadableAnswerError: It has no name.
    """
    match raw:
        case {"metadata": {"name": str(name), **rest}} if name:
            return ObjectKey(str(rest.get("namespace") or ""), name)
        case _:
            raise UnreadableAnswerError("the API server sent an object without a name")


def _event(line: bytes) -> Event:
    try:
        content = json.loads(line)
    except ValueError as error:
        raise UnreadableAnswerError(f"a line of the watch is no JSON: {error}") from error
    match content:
        case {"type": "ERROR", "object": dict(status)}:
            raise _refusal(status)
        case {
            "type": "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" as name,
            "object": {"metadata": {"resourceVersion": str(version)}} as raw,
        } if version:
            return Event(EventType(name), raw, version)
        case _:
            raise UnreadableAnswerError("a line of the watch is no event")


def _refusal(status: Raw) -> KubernetesRefusedError:
    code = status.get("code")
    message = f"the watch ended with an error: {code} {status.get('message')}"
    return KubernetesRefusedError(message, status=code if isinstance(code, int) else HTTPStatus.INTERNAL_SERVER_ERROR)
