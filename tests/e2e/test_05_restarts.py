"""The operator ends and starts again: nobody who reads ZooKeeper can tell, and what was missed is made up for."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

from testbed.dubbo import Reference
from testbed.observer.history import History
from testbed.observer.watcher import Watcher
from testbed.waiting import wait_until
from tests.e2e.shop import BOTH, Shop
from tests.e2e.verdict import newest, providers_path
from tests.e2e.writes import Writes


def test_restarts_change_nothing(shop: Shop) -> None:
    """Stopped three times and killed once while nothing changes: sessions come and go, nothing else is even tried."""
    shop.open()
    shop.deploy(replicas=5, kind=None)
    shop.declare_service()
    shop.wait_listed(5)
    wait_until(lambda: shop.condition("Ready")[0] == "True", message="the service is ready")

    with ExitStack() as stack:
        watchers = [_watch(shop, reference) for reference in BOTH]
        for watcher in watchers:
            stack.callback(watcher.kill)
            watcher.start()
        mark = newest(shop.zookeeper)
        for end in (shop.registrar.stop, shop.registrar.stop, shop.registrar.kill, shop.registrar.stop):
            _restart(shop, end)
        kinds = Counter(entry.kind for entry in History.read(shop.zookeeper).entries if entry.zxid > mark)
        print(f"transactions: {dict(kinds)}; readings of the watchers: {[len(w.readings) for w in watchers]}")
        assert kinds.keys() <= {"createSession", "closeSession"}
        assert kinds["createSession"] >= 4
        assert [watcher.callbacks for watcher in watchers] == [0, 0]
        assert [len(watcher.readings) for watcher in watchers] == [1, 1]

    shop.scale("cart", 6)
    shop.wait_listed(6)


def test_pods_that_went_meanwhile_are_removed_after_the_start(shop: Shop) -> None:
    """Pods deleted while no operator runs: their providers are removed after its start, and no others."""
    shop.open()
    shop.deploy(replicas=6, kind=None)
    shop.declare_service()
    before = shop.wait_listed(6)
    mark = newest(shop.zookeeper)

    shop.registrar.stop()
    shop.scale("cart", 4)
    wait_until(lambda: len(shop.pods()) == 4, message="two pods are gone")
    shop.registrar.start()
    after = shop.wait_listed(4)

    writes = Writes.since(shop.zookeeper, mark)
    assert after < before
    assert writes.removed == dict.fromkeys(before - after, len(BOTH))
    assert not writes.added


def _restart(shop: Shop, end: Callable[[], None]) -> None:
    """End the operator and start it; returns when it has said anew what it holds of the registry's directories."""
    end()
    if end == shop.registrar.stop:
        assert shop.registrar.returncode == 0
    # What a status says was found out by the operator that runs now, if nothing was left of what the last one said.
    shop.api.patch("registryservices", "cart", {"status": None}, namespace=shop.namespace, subresource="status")
    shop.registrar.start()
    wait_until(lambda: shop.condition("Ready")[0] == "True", timeout=30.0, message="the service is ready again")
    assert shop.status()["registered"] == "10/10"


def _watch(shop: Shop, reference: Reference) -> Watcher:
    path, name = providers_path(reference), f"watcher-{shop.namespace}-{reference.interface}"
    return Watcher(shop.zookeeper.hosts, path, logs=shop.bed.logs, name=name)
