"""Every pod is replaced while four kinds of consumers call: real processes stop and start, and no call fails."""

import math
import time
from collections.abc import Iterable, Mapping

from testbed.dubbo import Consumer
from testbed.observer.history import History
from testbed.observer.watcher import Watcher
from testbed.pod import Termination
from testbed.waiting import wait_until
from tests.e2e.pod_record import PodRecord, Spell
from tests.e2e.shop import ALL_KINDS, BOTH, CART, PORT, Shop, assert_all_calls_went_well
from tests.e2e.tree_record import TreeRecord, assert_tree_follows

DRAIN_SECONDS = 12
"""Dubbo 3 may call a provider for 5 s after each quick change."""
PODS = 10


def test_a_rolling_update_fails_no_call(shop: Shop) -> None:
    """No wanted pod is ever missing, the terminating ones are gone at once, and nobody calls a stopped process."""
    shop.open()
    deploy(shop, generation="1")
    shop.declare_service()
    former = shop.wait_listed(PODS)
    consumers = shop.consume(*ALL_KINDS, calls_per_second=25)
    directory = f"/dubbo/{CART.interface}/providers"
    watcher = Watcher(shop.zookeeper.hosts, directory, logs=shop.bed.logs, name=f"watcher-{shop.namespace}")
    watcher.start()

    with PodRecord(shop.api, shop.namespace) as pods:
        since = time.time()
        deploy(shop, generation="2")
        wait_until(lambda: rolled_over(shop), timeout=120.0, message="all pods replaced, the former ones gone")
        addresses = shop.wait_listed(PODS)
        shop.wait_held(consumers, addresses, timeout=15.0)
        settled = time.time()
        wait_until(
            lambda: all(consumer.served_by(settled) >= addresses for consumer in consumers),
            timeout=30.0,
            message="all consumers call all new pods",
        )
    for consumer in consumers:
        consumer.stop()
    watcher.stop()

    trees = [TreeRecord.read(History.read(shop.zookeeper), reference) for reference in BOTH]
    print(f"rolled over in {settled - since:.1f} s; a plain watcher got {watcher.callbacks} callbacks")
    assert addresses.isdisjoint(former)
    assert_tree_follows(trees, pods.spells, since=since, within=1.0)
    assert min(tree.fewest(since) for tree in trees) >= PODS
    print_last_calls(consumers, trees, pods.spells)
    assert_gone_before_stopping(trees, pods.spells, shop.bed.kubelet.terminations)
    assert_all_calls_went_well(consumers, since=since, at_least=20)


def assert_gone_before_stopping(
    trees: Iterable[TreeRecord], spells: Iterable[Spell], terminations: Mapping[str, Termination]
) -> None:
    """Check that each pod that went was out of every list before its process was told to end; print the least time."""
    went = [spell for spell in spells if spell.end < math.inf]
    assert len(went) == PODS
    assert all(spell.terminating for spell in went)
    ahead = [terminations[spell.uid].sigterm - tree.removed_at(spell) for tree in trees for spell in went]
    print(f"{len(went)} pods terminated, out of the lists at least {min(ahead):.1f} s before SIGTERM")
    assert min(ahead) > 0


def print_last_calls(consumers: Iterable[Consumer], trees: Iterable[TreeRecord], spells: Iterable[Spell]) -> None:
    """Print for how long each kind of consumer called pods that were out of the list: what the drain is for."""
    gone = {(tree.reference, f"{s.host}:{PORT}"): tree.removed_at(s) for tree in trees for s in spells if s.terminating}
    for consumer in consumers:
        late = (call.at - gone.get((call.reference, call.served or ""), math.inf) for call in consumer.calls)
        print(f"{consumer.kind}: called pods for up to {max(0.0, *late):.2f} s after their removal from the list")


def deploy(shop: Shop, *, generation: str) -> None:
    """Apply the deployments of one RegistryService: eight pods in Go, two in Java, two or one replaced at a time."""
    for name, kind, replicas, surge in (("light", "dubbo-go", 8, 2), ("heavy", "java-2.7", 2, 1)):
        shop.deploy(
            name,
            kind=kind,
            replicas=replicas,
            labels={"app": "cart"},
            drain_seconds=DRAIN_SECONDS,
            strategy={"rollingUpdate": {"maxSurge": surge, "maxUnavailable": 0}},
            generation=generation,
        )


def rolled_over(shop: Shop) -> bool:
    """Tell whether all pods are of the second generation, and no others are left."""
    pods = shop.pods()
    return len(pods) == PODS and all(pod["metadata"]["annotations"]["generation"] == "2" for pod in pods)
