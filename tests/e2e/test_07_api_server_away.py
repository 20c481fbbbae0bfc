"""The API server is away, restarted, or answers nonsense: nothing is deleted on doubt, all is right afterwards.

What was deleted comes from ZooKeeper's transaction log: a wrong delete would show there even if it was mended at once.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import pytest
from kazoo.exceptions import NoNodeError

from dubbo_registrar.registry.mark import decode
from testbed.dubbo import Reference
from testbed.flaky_api import FlakyApi
from testbed.registrar import Registrar
from testbed.waiting import wait_until
from tests.e2e.shop import BOTH, PORT, Shop, is_ready
from tests.e2e.verdict import newest, providers_path
from tests.e2e.writes import Writes

AWAY_SECONDS = 20.0
WATCHES = 5
"""Three of the operator's own, two of kopf."""
QUIET_SECONDS = 3.0
"""Some attempts of the operator fit into this."""

Pods: TypeAlias = dict[str, str]
"""The address of each pod by its uid."""


@pytest.fixture
def flaky(shop: Shop) -> Iterator[FlakyApi]:
    """Put a proxy between the operator and the API server."""
    with FlakyApi(shop.bed.control_plane) as proxy:
        shop.registrar = Registrar(shop.bed, name=f"registrar-{shop.namespace}", server=proxy.server)
        yield proxy
        shop.registrar.stop()


def test_the_api_server_is_restarted(shop: Shop) -> None:
    """Killed and started again: nothing is written for it, and what happens afterwards is followed."""
    before = _open(shop, replicas=6)
    mark = newest(shop.zookeeper)

    shop.bed.control_plane.kill_api_server()
    _bring_back(shop)
    _be_quiet()
    assert not Writes.since(shop.zookeeper, mark).transactions
    shop.scale("cart", 4)
    wait_until(lambda: len(shop.pods()) == 4, timeout=30.0, message="two pods are gone")

    _assert_only_pods_that_went_are_removed(shop, before, mark=mark)
    _assert_released(shop)


def test_the_api_server_is_away_while_a_pod_dies_and_zookeeper_is_wiped(shop: Shop) -> None:
    """20 s without it: the registry is filled again from what was known; a pod that died is seen on its return."""
    shop.open()
    shop.deploy(replicas=4)
    shop.declare_service()
    addresses = shop.wait_listed(4)
    died = shop.pods()[0]

    shop.bed.control_plane.stop_api_server()
    away = time.monotonic()
    process = shop.bed.kubelet.pod(died["metadata"]["name"], namespace=shop.namespace).provider
    assert process is not None
    process.stop(0)
    shop.zookeeper.restart(wipe=True)
    wait_until(lambda: all(shop.listed(r) == addresses for r in BOTH), timeout=5.0, message="the registry is full")
    _be_quiet(away + AWAY_SECONDS - time.monotonic())
    writes, mark = Writes.since(shop.zookeeper), newest(shop.zookeeper)
    assert writes.added == dict.fromkeys(addresses, len(BOTH))
    assert not writes.removed
    _bring_back(shop)

    address = f"{died['status']['podIP']}:{PORT}"
    once = {address: len(BOTH)}
    wait_until(
        lambda: (writes := Writes.since(shop.zookeeper, mark)).added == writes.removed == once,
        timeout=30.0,
        message="the node of the pod that died, and no other, was removed and made anew",
    )
    _assert_released(shop)


def test_an_operator_that_starts_without_the_api_server_writes_nothing_and_works_on_its_return(shop: Shop) -> None:
    """It waits; ZooKeeper hears nothing of it. Pods that went before are removed afterwards, no others."""
    before = _open(shop, replicas=6)
    shop.registrar.stop()
    shop.scale("cart", 4)
    wait_until(lambda: len(shop.pods()) == 4, message="two pods are gone")
    mark = newest(shop.zookeeper)

    shop.bed.control_plane.kill_api_server()
    shop.registrar.start()
    wait_until(lambda: "waiting for the Kubernetes API" in shop.registrar.log_tail(), message="it waits")
    _be_quiet()
    assert shop.registrar.alive
    assert newest(shop.zookeeper) == mark
    _bring_back(shop)

    _assert_only_pods_that_went_are_removed(shop, before, mark=mark)
    _assert_released(shop)


def test_watches_are_cut_expire_and_fail(shop: Shop, flaky: FlakyApi) -> None:
    """500 for a while, then watches that are cut, expired or broken, and lists that expire half-way: all is found."""
    before = _open(shop, replicas=6)
    troubles: tuple[Callable[[], None], ...] = (
        lambda: None,
        lambda: flaky.expire_watches(WATCHES),
        lambda: flaky.fail_watches(WATCHES),
        partial(_expire_lists_too, flaky),
    )
    for trouble in troubles:
        mark = newest(shop.zookeeper)
        wait_until(lambda: flaky.open_watches >= WATCHES, timeout=30.0, message="the operator and kopf watch")
        with flaky.failing():
            flaky.cut_watches()
            _replace_two_pods(shop)
            _be_quiet()
            assert not Writes.since(shop.zookeeper, mark).transactions
            trouble()
        before = _assert_only_pods_that_went_are_removed(shop, before, mark=mark)
        wait_until(lambda: not flaky.pending, timeout=30.0, message="all that was to go wrong did")
    _assert_released(shop)


def _bring_back(shop: Shop) -> None:
    """Start the API server; the test bed's other parts are not what is waited for."""
    shop.bed.control_plane.start_api_server()
    shop.bed.control_plane.restart_controllers()
    shop.bed.nodes.restart()


def _expire_lists_too(flaky: FlakyApi) -> None:
    flaky.expire_watches(WATCHES)
    flaky.expire_tokens(2, page_size=2)


def _open(shop: Shop, *, replicas: int) -> Pods:
    """Register pods that only seem to run; return them."""
    shop.open()
    shop.deploy(replicas=replicas, kind=None)
    shop.declare_service()
    shop.wait_listed(replicas)
    return _ready_pods(shop)


def _replace_two_pods(shop: Shop) -> None:
    """Delete two pods; returns when two others have taken their place."""
    leaving = {pod["metadata"]["name"] for pod in shop.pods()[:2]}
    for name in leaving:
        shop.api.delete("pods", name, namespace=shop.namespace)

    def replaced() -> bool:
        pods = shop.pods()
        return leaving.isdisjoint(pod["metadata"]["name"] for pod in pods) and all(map(is_ready, pods))

    wait_until(replaced, message="two pods were replaced")


def _assert_only_pods_that_went_are_removed(shop: Shop, before: Pods, *, mark: int) -> Pods:
    """Wait until the tree is as the pods are, check that no other was deleted on the way; return the pods."""
    after = _ready_pods(shop)
    wait_until(
        # Not by address: those of pods that went are given to pods that come.
        lambda: all(_pods_listed(shop, reference) == sorted(after) for reference in BOTH),
        timeout=30.0,
        message="one node for each pod, and none for others",
    )
    writes = Writes.since(shop.zookeeper, mark)
    print(f"removed {dict(writes.removed)}, added {dict(writes.added)}")
    assert writes.removed == dict.fromkeys((before[uid] for uid in before.keys() - after.keys()), len(BOTH))
    assert writes.added == dict.fromkeys((after[uid] for uid in after.keys() - before.keys()), len(BOTH))
    return after


def _pods_listed(shop: Shop, reference: Reference) -> list[str]:
    """Return the uid of each node's pod in the directory of an interface, sorted."""
    path = providers_path(reference)
    with contextlib.suppress(NoNodeError):
        marks = [decode(shop.reader.get(f"{path}/{name}")[0]) for name in shop.reader.get_children(path)]
        return sorted(mark.pod_uid for mark in marks if mark is not None)
    return []


def _ready_pods(shop: Shop) -> Pods:
    return {pod["metadata"]["uid"]: f"{pod['status']['podIP']}:{PORT}" for pod in shop.pods() if is_ready(pod)}


def _assert_released(shop: Shop) -> None:
    """Delete the RegistryService and check that the finalizer lets go of it, with nothing left in the tree."""
    shop.api.delete("registryservices", "cart", namespace=shop.namespace)
    gone = partial(shop.api.find, "registryservices", "cart", namespace=shop.namespace)
    wait_until(lambda: gone() is None, timeout=30.0, message="the RegistryService is gone")
    assert not any(shop.listed(reference) for reference in BOTH)


def _be_quiet(seconds: float = QUIET_SECONDS) -> None:
    """Let time pass in which nothing may happen."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end, timeout=seconds + 1.0, message="the time is over")
