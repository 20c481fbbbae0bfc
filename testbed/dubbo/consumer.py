"""A real, unmodified Dubbo consumer: it finds providers in ZooKeeper and calls them at a fixed rate without retries."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from testbed.dubbo.build import go_program, java_command
from testbed.dubbo.json_lines import JsonLines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from testbed.dubbo.build import Generation

ConsumerKind: TypeAlias = Literal["java-2.6", "java-2.7", "java-3.3", "dubbo-go"]

NO_PROVIDER = "no-provider"
"""The error of a call for which the consumer knew no provider."""

_GENERATIONS: dict[ConsumerKind, Generation] = {"java-2.6": "2.6", "java-2.7": "2.7", "java-3.3": "3.3"}


@dataclass(frozen=True, slots=True)
class Reference:
    """What a consumer looks for: as a provider's ``Service``, with the protocol it insists on (None: any)."""

    interface: str
    group: str | None = None
    version: str | None = None
    protocol: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call and how it went.

    Attributes:
        at: When it began, seconds since 1970.
        reference: What was called.
        ok: Whether the service that was meant has answered.
        served: Address (``host:port``) of the provider that answered, None when none did.
        seconds: How long it took.
        error: Empty, ``no-provider``, ``timeout``, ``wrong-service`` or the first words of the exception.
    """

    at: float
    reference: Reference
    ok: bool
    served: str | None
    seconds: float
    error: str


class Consumer:
    """A consumer process. A call that hangs (3 s at most) holds up no reference but its own."""

    def __init__(
        self,
        kind: ConsumerKind,
        *,
        zookeeper: str,
        references: Sequence[Reference],
        log_dir: Path,
        calls_per_second: int = 20,
        name: str | None = None,
    ) -> None:
        """Describe the consumer; nothing runs yet.

        Args:
            kind: Which Dubbo.
            zookeeper: Connect string without a root, ``host:port,host:port``.
            references: What it calls.
            log_dir: Folder for its log and whatever Dubbo writes.
            calls_per_second: For each reference.
            name: How messages and its log call it.
        """
        self.kind = kind
        self.references = tuple(references)
        self._calls: list[Call] = []
        self._providers: dict[Reference, frozenset[str]] = {}
        name = name or f"consumer-{kind}"
        # A home of its own: Dubbo keeps a cache file there, and locks it.
        home = log_dir / name
        command = (
            [str(go_program()), "consumer"]
            if kind == "dubbo-go"
            else java_command(_GENERATIONS[kind], "Consumer", home=home)
        )
        arguments = [zookeeper, str(calls_per_second), *(_argument(reference) for reference in references)]
        self._process = JsonLines(name, [*command, *arguments], log_dir=home, on_line=self._take)

    def start(self) -> None:
        """Start the process; returns at once. The first successful call follows within about 2 s."""
        self._process.start()

    def stop(self) -> None:
        """Let it finish its calls and end; every call it made is in ``calls`` then."""
        self._process.close_input(grace_seconds=15.0)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.alive

    @property
    def calls(self) -> list[Call]:
        """All calls so far, in the order in which they ended."""
        return self._calls.copy()

    def providers(self, reference: Reference) -> frozenset[str] | None:
        """Return the addresses the consumer holds for a reference now, as of 50 ms ago; None before it has any list."""
        return self._providers.get(reference)

    def mark(self) -> float:
        """Return the present, for ``since``."""
        return time.time()

    def failed(self, since: float | None = None) -> list[Call]:
        """Return the failed calls among those that began at or after ``since``, among all with None."""
        return [call for call in self.calls if not call.ok and (since is None or call.at >= since)]

    def served_by(self, since: float) -> set[str]:
        """Return the addresses that answered calls that began at or after ``since``."""
        return {call.served for call in self.calls if call.ok and call.served and call.at >= since}

    def _take(self, line: dict[str, Any]) -> None:
        reference = self.references[line["ref"]]
        if "providers" in line:
            self._providers[reference] = frozenset(line["providers"])
            return
        served, error = None, line.get("error", "")
        if "answer" in line:
            served, _, *service = line["answer"].split("|")
            if service != [reference.interface, reference.group or "", reference.version or ""]:
                error = "wrong-service"
        self._calls.append(
            Call(
                at=line["at"] / 1000,
                reference=reference,
                ok=not error,
                served=served,
                seconds=line["ms"] / 1000,
                error=error,
            )
        )


def _argument(reference: Reference) -> str:
    return ",".join((reference.interface, reference.group or "", reference.version or "", reference.protocol or ""))
