"""A real Dubbo provider: a process that serves demo services at one address and registers nowhere."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from testbed.dubbo.build import go_program, java_command
from testbed.dubbo.json_lines import JsonLines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ProviderKind: TypeAlias = Literal["java-2.7", "java-3.3", "dubbo-go"]
"""Which Dubbo serves. ``java-3.3`` speaks ``tri`` as well as ``dubbo``; the others speak ``dubbo`` only."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a provider exports.

    Attributes:
        interface: ``demo.CartService`` or ``demo.OrderService``, any name for dubbo-go. All have an ``add``.
        group: Dubbo group, None for none.
        version: Dubbo version, None for none.
        path: Service path, None for the interface; not with dubbo-go.
    """

    interface: str
    group: str | None = None
    version: str | None = None
    path: str | None = None


class Provider:
    """A provider process; every call is answered with its address and the service that was called."""

    def __init__(
        self,
        *,
        kind: ProviderKind,
        host: str,
        port: int,
        protocol: str,
        services: Sequence[Service],
        name: str,
        log_dir: Path,
    ) -> None:
        """Describe the provider; nothing runs yet.

        Args:
            kind: Which Dubbo.
            host: IPv4 address to bind, the only one.
            port: Port to bind, the only one.
            protocol: ``dubbo``, or ``tri`` with ``java-3.3``.
            services: What it exports.
            name: Its application name, and how messages and its log call it.
            log_dir: Folder for its log and whatever Dubbo writes.
        """
        self.address = f"{host}:{port}"
        self._ready = threading.Event()
        command = (
            [str(go_program()), "provider"]
            if kind == "dubbo-go"
            else java_command("2.7" if kind == "java-2.7" else "3.3", "Provider", home=log_dir)
        )
        arguments = [host, str(port), protocol, name, *(_argument(service) for service in services)]
        self._process = JsonLines(name, [*command, *arguments], log_dir=log_dir, on_line=lambda _: self._ready.set())

    def start(self) -> None:
        """Start the process; returns at once."""
        self._ready.clear()
        self._process.start()

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until all services are served.

        Raises:
            ProcessError: The process ended first, or ``timeout`` seconds passed; the end of its log is in the message.
        """
        self._process.wait_ready(self._ready.is_set, timeout=timeout)

    def stop(self, grace_seconds: float = 10.0) -> None:
        """Send SIGTERM, after ``grace_seconds`` SIGKILL; return when it has ended."""
        self._process.stop(grace_seconds=grace_seconds)

    def kill(self) -> None:
        """Send SIGKILL; return when it has ended."""
        self._process.kill()

    def pause(self) -> None:
        """Freeze the process: connections stay open, nothing is answered."""
        self._process.pause()

    def resume(self) -> None:
        """Let a paused process go on."""
        self._process.resume()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.alive


def _argument(service: Service) -> str:
    return ",".join((service.interface, service.group or "", service.version or "", service.path or ""))
