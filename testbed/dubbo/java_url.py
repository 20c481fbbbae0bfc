"""Dubbo's own Java class ``URL``, for comparing another reader and writer of provider URLs with it."""

from __future__ import annotations

import base64
import queue
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from testbed.dubbo.build import java_command
from testbed.dubbo.json_lines import JsonLines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from testbed.dubbo.build import Generation

Form: TypeAlias = Literal["text", "node"]
"""``text``: a URL as it is written for people (``URL.valueOf``). ``node``: the name of a child of a ``providers``
directory, read by the class that the ZooKeeper registry of that generation uses (3.3 cuts ``timestamp`` and ``pid`` out
of the name before, which is not done here)."""

_ANSWER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ReadUrl:
    """What Dubbo made of one URL. With ``error`` (exception and message) all else is as the defaults.

    Attributes:
        protocol: None when the URL has none.
        host: None or empty when the URL has none.
        port: 0 when the URL has none.
        path: Without the leading slash, None when the URL has none.
        parameters: By key, in order.
        service_key: ``group/interface:version``.
        full: ``toFullString()``.
        encoded: ``URL.encode(toFullString())``, the name of the znode.
        error: Exception and message, None when it was read.
    """

    protocol: str | None = None
    host: str | None = None
    port: int = 0
    path: str | None = None
    parameters: dict[str, str] | None = None
    service_key: str | None = None
    full: str = ""
    encoded: str = ""
    error: str | None = None


class JavaUrl:
    """One JVM that reads URLs, thousands a second; for use in a ``with`` block."""

    def __init__(self, generation: Generation) -> None:
        """Plan the JVM; nothing runs yet."""
        self._folder = TemporaryDirectory(prefix="dubbo-registrar-url-")
        home = Path(self._folder.name)
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        command = java_command(generation, "UrlParity", home=home)
        self._process = JsonLines(f"url-{generation}", command, log_dir=home, on_line=self._answers.put)

    def read(self, urls: Iterable[str], *, form: Form = "text") -> list[ReadUrl]:
        """Return what Dubbo makes of each URL, in the same order.

        Raises:
            queue.Empty: The JVM gave no answer for a minute.
        """
        answers = []
        for url in urls:
            # One by one: two full pipes would wait for each other.
            self._process.stdin.write(f"{form} {base64.b64encode(url.encode()).decode()}\n")
            self._process.stdin.flush()
            answers.append(ReadUrl(**self._answers.get(timeout=_ANSWER_SECONDS)))
        return answers

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close_input(grace_seconds=5.0)
        self._folder.cleanup()
