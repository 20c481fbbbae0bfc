"""What happens in the demo, step by step, and whether it went as promised."""

from __future__ import annotations

import signal
import time
from functools import partial
from typing import TYPE_CHECKING

from testbed.bed import TestBed
from testbed.demo.scene import Scene
from testbed.demo.view import View
from testbed.waiting import let_pass, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

_OUTAGE_SECONDS = 15.0
_RETURN_SECONDS = 2.0
"""What is promised after ZooKeeper's return."""
_CALM_SECONDS = 3.0
"""Between the steps, so that calls are made and there is something to see."""


def run(*, keep: bool, shell_command: Callable[[TestBed], str]) -> int:
    """Run the demo; return 0 if everything was as promised, else 1.

    Args:
        keep: Stay up afterwards, until Ctrl-C.
        shell_command: Gives the command that opens a shell in a test bed.
    """
    print("Starting Kubernetes (API server, etcd, controllers, scheduler, nodes) and ZooKeeper ...", flush=True)
    with TestBed() as bed:
        scene = Scene(bed)
        try:
            problems = _play(scene)
            if keep:
                print("\nIt stays up until Ctrl-C. A shell with kubectl in it, from another terminal:")
                print(f"  {shell_command(bed)}", flush=True)
                _wait_for_interrupt()
        finally:
            scene.close()
    return 1 if problems else 0


def _play(scene: Scene) -> list[str]:
    problems: list[str] = []
    figures: list[str] = []
    with View(scene) as view:
        try:
            _story(scene, view, figures)
        except AssertionError as error:
            problems.append(str(error))
            view.tell(f"not as promised: {error}", "bold red")
        for consumer in scene.consumers:
            consumer.stop()
        calls, failed, _ = scene.calls()
        if failed:
            problems.append(f"{failed} of {calls} calls failed")
        figures.append(f"{calls} calls by {len(scene.consumers)} consumers, {failed} failed")
    print("\nSummary")
    for line in figures:
        print(f"  {line}")
    print("  as promised" if not problems else "  NOT as promised: " + "; ".join(problems), flush=True)
    return problems


def _story(scene: Scene, view: View, figures: list[str]) -> None:
    view.tell("the operator starts; examples/registry.yaml says where ZooKeeper is")
    scene.open()
    view.tell("kubectl apply -f examples/cart.yaml: 3 pods, 2 interfaces")
    scene.apply()
    _settle(scene, view, figures, "3 pods listed", pods=3)

    view.tell("a Java 2.7 and a dubbo-go consumer start and call both interfaces 20 times a second, without retries")
    scene.consume()
    for consumer in scene.consumers:
        message = f"{consumer.kind} gets answers from every interface"
        wait_until(partial(scene.answered, consumer), timeout=60.0, message=message)
    let_pass(_CALM_SECONDS)

    view.tell("scale to 5 pods")
    scene.scale(5)
    _settle(scene, view, figures, "5 pods listed", pods=5)
    let_pass(_CALM_SECONDS)

    view.tell("rolling update: every pod is replaced; each serves on for 12 s after it was told to stop")
    old = scene.ready()
    scene.roll()
    _settle(scene, view, figures, "all 5 replaced", pods=5, without=old)
    let_pass(_CALM_SECONDS)

    view.tell(f"pod {scene.delete_pod()} is deleted; the Deployment makes a new one")
    _settle(scene, view, figures, "5 pods listed again", pods=5)
    let_pass(_CALM_SECONDS)

    view.tell(
        f"ZooKeeper is stopped for {_OUTAGE_SECONDS:.0f} s; the consumers go on; one pod more is asked for meanwhile"
    )
    scene.bed.zookeeper.stop()
    stopped = time.monotonic()
    scene.scale(6)
    wait_until(lambda: len(scene.ready()) > len(old), timeout=30.0, message="6 pods ready while ZooKeeper is away")
    let_pass(stopped + _OUTAGE_SECONDS - time.monotonic())
    view.tell("ZooKeeper is started again, with its data")
    scene.bed.zookeeper.start()
    _settle(scene, view, figures, "6 pods listed after ZooKeeper's return", pods=6, within=_RETURN_SECONDS)
    let_pass(_CALM_SECONDS)
    view.tell("done", "bold green")


def _settle(
    scene: Scene,
    view: View,
    figures: list[str],
    what: str,
    *,
    pods: int,
    without: frozenset[str] = frozenset(),
    within: float = 60.0,
) -> None:
    """Wait until exactly the ready pods, this many, are listed for every interface, and tell how long it took."""
    began = time.monotonic()

    def settled() -> bool:
        ready = scene.ready()
        complete = len(ready) == pods and not ready & without
        return complete and all(scene.listed(reference) == ready for reference in scene.references)

    wait_until(settled, timeout=within, message=what)
    line = f"{what} after {time.monotonic() - began:.1f} s"
    figures.append(line)
    view.tell(line, "green")


def _wait_for_interrupt() -> None:
    try:
        signal.pause()
    except (KeyboardInterrupt, SystemExit):
        print()
