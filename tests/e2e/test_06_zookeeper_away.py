"""ZooKeeper is away, or comes back empty: what changed is applied on its return, and nobody stops calling.

Every call of every consumer counts, those to pods that were removed included: such pods go on serving (preStop) until
their test is over, so no failed call has an excuse. dubbo-go 3.3.2 is deaf after each reconnect (an upstream bug): it
is not asked to learn of pods that came or went, but its calls may fail no more than those of others.
"""

import contextlib
import socket
import time
from functools import partial

from testbed.waiting import wait_until
from testbed.zookeeper import CLIENT_PORT, ZooKeeper
from tests.e2e.shop import ALL_KINDS, BOTH, Shop, assert_all_calls_went_well, is_ready
from tests.e2e.verdict import newest
from tests.e2e.writes import Writes

OUTAGE_SECONDS = 30.0
AFTERWARDS_SECONDS = 8.0
DRAIN_SECONDS = 150
"""More than a test takes."""
RIGHT_SECONDS = 2.0
HEARING = ("java-2.6", "java-2.7", "java-3.3")


def test_an_operator_that_starts_without_zookeeper_says_so_and_works_on_its_return(shop: Shop) -> None:
    """The status names the server and what to do; within 2 s of the server's start all is registered."""
    shop.zookeeper.start()
    shop.zookeeper.stop()
    shop.open(zookeeper=False)
    shop.deploy(replicas=5, kind=None)
    shop.declare_service()
    wait_until(partial(_unavailable, shop), timeout=30.0, message="the status says that ZooKeeper is away")

    wait_until(lambda: len(shop.ready_addresses()) == 5, message="all pods are ready")
    cause = f"{shop.zookeeper.hosts}: Connection refused"
    wait_until(lambda: cause in shop.condition("Registered")[2], timeout=30.0, message="the status tells the cause")
    _, _, message = shop.condition("Registered")
    assert f"no connection to ZooKeeper at {shop.zookeeper.hosts}" in message
    assert "check that the servers run" in message
    print(f"while it is away: {message}")

    accepting = _start(shop.zookeeper)
    shop.wait_listed(5)
    _assert_right_in_time(shop, since=accepting)
    wait_until(lambda: shop.condition("Ready")[0] == "True", message="the service is ready")


def test_pods_change_while_zookeeper_is_away(shop: Shop) -> None:
    """30 s without ZooKeeper while pods are scaled up and down and deleted: right within 2 s, and no call fails."""
    _open_with_eleven_pods(shop)
    consumers = shop.consume(*ALL_KINDS, calls_per_second=25)
    before, mark, since = shop.wait_listed(11), newest(shop.zookeeper), time.time()

    shop.zookeeper.stop()
    stopped = time.monotonic()
    shop.scale("go", 10)
    shop.scale("java", 2)
    shop.api.delete("pods", _a_pod(shop, "go"), namespace=shop.namespace)
    wait_until(lambda: len(shop.ready_addresses()) == 12, timeout=25.0, message="the pods have changed")
    wait_until(partial(_unavailable, shop), timeout=10.0, message="the status says that ZooKeeper is away")
    wait_until(lambda: time.monotonic() > stopped + OUTAGE_SECONDS, timeout=OUTAGE_SECONDS, message="30 s are over")
    accepting = _start(shop.zookeeper)
    after = shop.wait_listed(12)

    shop.wait_held([c for c in consumers if c.kind in HEARING], after, timeout=60.0)
    print(f"consumers of Java hold the new list {time.time() - accepting:.1f} s after the return")
    wait_until(lambda: time.time() > accepting + AFTERWARDS_SECONDS, timeout=30.0, message="a while is over")
    shop.stop_consumers()
    writes = _assert_right_in_time(shop, since=accepting, mark=mark)
    assert writes.removed == dict.fromkeys(before - after, len(BOTH))
    assert writes.added == dict.fromkeys(after - before, len(BOTH))
    assert_all_calls_went_well(consumers, since=since, at_least=20)


def test_zookeeper_comes_back_empty(shop: Shop) -> None:
    """Filled again within 2 s. Only Dubbo 2.6, which empties its list, may fail meanwhile, and calls all pods again."""
    _open_with_eleven_pods(shop)
    addresses = shop.wait_listed(11)
    consumers = shop.consume(*ALL_KINDS, calls_per_second=25)
    since = time.time()

    shop.zookeeper.stop()
    shop.zookeeper.wipe()
    accepting = _start(shop.zookeeper)
    assert shop.wait_listed(11) == addresses
    writes = _assert_right_in_time(shop, since=accepting)
    assert writes.added == dict.fromkeys(addresses, len(BOTH))
    assert not writes.removed

    # Clients that have seen a later state are refused by the server until they begin a new session.
    shop.scale("go", 9)
    shop.wait_held([c for c in consumers if c.kind in HEARING], shop.wait_listed(12), timeout=90.0)
    print(f"consumers of Java follow again {time.time() - accepting:.1f} s after the return")
    shop.stop_consumers()
    oldest, *others = consumers
    failed = oldest.failed(since)
    took = f", over {failed[-1].at - failed[0].at:.2f} s" if failed else ""
    print(f"{oldest.kind}: {len(failed)} of {len([c for c in oldest.calls if c.at >= since])} calls failed{took}")
    assert_all_calls_went_well(others, since=since, at_least=20)


def _open_with_eleven_pods(shop: Shop) -> None:
    shop.open()
    for name, kind, replicas in (("java", "java-2.7", 3), ("go", "dubbo-go", 8)):
        shop.deploy(name, kind=kind, replicas=replicas, labels={"app": "cart"}, drain_seconds=DRAIN_SECONDS)
    shop.declare_service()
    shop.wait_listed(11)


def _start(zookeeper: ZooKeeper) -> float:
    """Start the server; return when it accepted connections for the first time, seconds since 1970."""

    def accepts() -> float:
        with contextlib.suppress(OSError), socket.create_connection((zookeeper.address, CLIENT_PORT), timeout=1.0):
            return time.time()
        return 0.0

    zookeeper.launch()
    return wait_until(accepts, timeout=30.0, message="ZooKeeper accepts connections")


def _assert_right_in_time(shop: Shop, *, since: float, mark: int = 0) -> Writes:
    """Print how long the operator took to write all it had to, and check that it was no more than two seconds."""
    writes = Writes.since(shop.zookeeper, mark)
    print(f"all written {writes.last - since:.2f} s after the return of ZooKeeper, {writes.transactions} transactions")
    assert 0 < writes.last - since <= RIGHT_SECONDS
    return writes


def _unavailable(shop: Shop) -> bool:
    status, reason, _ = shop.condition("Registered")
    return (status, reason) == ("False", "RegistryUnavailable")


def _a_pod(shop: Shop, deployment: str) -> str:
    found = shop.api.list("pods", namespace=shop.namespace, labels=f"deployment={deployment}")
    name: str = next(pod["metadata"]["name"] for pod in found if is_ready(pod))
    return name
