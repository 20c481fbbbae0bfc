"""How the demo looks: one screen, drawn again a few times a second; plain lines where there is no terminal."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from testbed.demo.scene import Scene

_REFRESH_SECONDS = 0.25


class View:
    """Shows a scene and what happens in it, for use in a ``with`` block."""

    def __init__(self, scene: Scene) -> None:
        """Prepare it; nothing is shown yet."""
        self._scene = scene
        self._console = Console()
        self._told: list[Text] = []
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._live = Live(console=self._console, auto_refresh=False)
        self._thread = threading.Thread(target=self._draw, name="view", daemon=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
            self._live.update(self._screen(), refresh=True)
            self._live.stop()

    def tell(self, what: str, style: str = "bold") -> None:
        """Say what happens now."""
        line = Text(f"{time.monotonic() - self._began:6.1f} s  {what}", style=style)
        self._told.append(line)
        if not self._console.is_terminal:
            self._console.print(line)

    def _draw(self) -> None:
        while not self._stop.wait(_REFRESH_SECONDS):
            self._live.update(self._screen(), refresh=True)

    def _screen(self) -> Group:
        calls, failed, served = self._scene.calls()
        pods = Table("pod", "address", "state", *(r.interface for r in self._scene.references), "calls answered")
        listed = [self._scene.listed(reference) for reference in self._scene.references]
        for pod in self._scene.pods():
            state = "terminating" if pod.terminating else "ready" if pod.ready else "not ready"
            marks = ("[green]listed[/]" if pod.address in addresses else "-" for addresses in listed)
            pods.add_row(pod.name, pod.address, state, *marks, str(served.get(pod.address, 0)))
        zookeeper = "[green]up[/]" if self._scene.bed.zookeeper.alive else "[red]stopped[/]"
        counts = Text.from_markup(
            f"ZooKeeper {zookeeper}   consumers: {', '.join(c.kind for c in self._scene.consumers) or 'none yet'}   "
            f"calls {calls}   failed [{'red' if failed else 'green'}]{failed}[/]"
        )
        return Group(Panel(Group(*self._told[-8:]), title="dubbo-registrar"), pods, counts)
