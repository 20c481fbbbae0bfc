"""Pods come, go, and turn not ready and ready again: the tree follows Kubernetes, consumers follow the tree."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from testbed.dubbo import Consumer, ConsumerKind
from testbed.nodes import ANNOTATION
from testbed.observer.history import History
from testbed.waiting import wait_until
from tests.e2e.pod_record import PodRecord
from tests.e2e.shop import ALL_KINDS, BOTH, Shop, assert_all_calls_went_well, holds, is_ready
from tests.e2e.tree_record import TreeRecord, assert_tree_follows

READY = f"{ANNOTATION}ready"
DRAIN_SECONDS = 12
"""Dubbo 3 may call a provider for 5 s after each quick change."""
FOLLOWS_SECONDS = 1.0
"""What any consumer may take to hold a list that was written."""
FURTHER_SECONDS: Mapping[ConsumerKind, float] = {"java-2.6": 0.0, "java-2.7": 0.0, "java-3.3": 5.0, "dubbo-go": 0.0}
"""What a generation may take longer for each change that comes soon after another."""


@dataclass(frozen=True, slots=True)
class Step:
    """A change by the user, and when each kind of consumer held the list that it leads to; seconds since 1970."""

    name: str
    begun: float
    held: Mapping[ConsumerKind, float]


def test_tree_and_consumers_follow_scaling_deletion_and_readiness(shop: Shop) -> None:
    """Scaled 3 to 5 to 2, a pod deleted, one not ready and ready again: seen in time by all, and no call fails."""
    shop.open()
    for name, kind, replicas in (("steady", "dubbo-go", 7), ("java", "java-2.7", 2), ("scaled", "dubbo-go", 3)):
        shop.deploy(name, kind=kind, replicas=replicas, labels={"app": "cart"}, drain_seconds=DRAIN_SECONDS)
    shop.declare_service()
    shop.wait_listed(12)
    consumers = shop.consume(*ALL_KINDS, calls_per_second=25)

    with PodRecord(shop.api, shop.namespace) as pods:
        since = time.time()
        steps = list(_steps(shop, consumers))
        wait_until(lambda: len(shop.pods()) == 11, timeout=30.0, message="pods that were to go have gone")
    for consumer in consumers:
        consumer.stop()

    history = History.read(shop.zookeeper)
    trees = [TreeRecord.read(history, reference) for reference in BOTH]
    assert_tree_follows(trees, pods.spells, since=since, within=1.0)
    assert min(tree.fewest(since) for tree in trees) >= 10
    for step in steps:
        assert_consumers_follow(step, trees)
    assert_all_calls_went_well(consumers, since=since, at_least=20)


def assert_consumers_follow(step: Step, trees: Sequence[TreeRecord]) -> None:
    """Print how long after the last transaction of a step each kind of consumer held its list, and check that."""
    last = max(step.held.values())
    states = [[state for state in tree.since(step.begun) if state.start <= last] for tree in trees]
    written = max(state.start for found in states for state in found)
    changes = max(map(len, states))
    took = {kind: max(0.0, held - written) for kind, held in step.held.items()}
    seconds = ", ".join(f"{kind} {delay:.2f} s" for kind, delay in took.items())
    print(f"{step.name}: {changes} transactions a directory; held by {seconds} after the last")
    for kind, delay in took.items():
        assert delay <= FOLLOWS_SECONDS + FURTHER_SECONDS[kind] * changes, f"{step.name}: {kind} took {delay:.2f} s"


def _steps(shop: Shop, consumers: Sequence[Consumer]) -> Iterator[Step]:
    def step(name: str, change: Callable[[], None], *, pods: int) -> Step:
        begun = time.time()
        change()
        return Step(name, begun, _held(consumers, shop.wait_listed(pods)))

    yield step("scaled from 3 to 5", lambda: shop.scale("scaled", 5), pods=14)
    yield step("scaled from 5 to 2", lambda: shop.scale("scaled", 2), pods=11)
    pod = _any_pod(shop, "steady")
    yield step("pod deleted", lambda: shop.api.delete("pods", pod, namespace=shop.namespace), pods=11)
    pod = _any_pod(shop, "steady")
    yield step("pod not ready", lambda: _mark_ready(shop, pod, "false"), pods=10)
    yield step("pod ready again", lambda: _mark_ready(shop, pod, None), pods=11)


def _held(consumers: Sequence[Consumer], addresses: set[str]) -> dict[ConsumerKind, float]:
    """Wait until all consumers hold exactly these addresses for all references; return when each did."""
    since = time.time()
    held: dict[ConsumerKind, float] = {}

    def all_do() -> bool:
        for consumer in consumers:
            if consumer.kind not in held and all(holds(consumer, r, addresses, since=since) for r in BOTH):
                held[consumer.kind] = time.time()
        return len(held) == len(consumers)

    wait_until(all_do, timeout=30.0, message=f"all consumers hold {sorted(addresses)}")
    return held


def _any_pod(shop: Shop, deployment: str) -> str:
    found = shop.api.list("pods", namespace=shop.namespace, labels=f"deployment={deployment}")
    name: str = next(pod["metadata"]["name"] for pod in found if is_ready(pod))
    return name


def _mark_ready(shop: Shop, pod: str, value: str | None) -> None:
    """Make a pod not ready (`false`), or as ready as its process is (None). Its process serves on in any case."""
    shop.api.annotate("pods", pod, {READY: value}, namespace=shop.namespace)
