"""Which pods are providers, and of what: several services at once, pods that ended, two address families, Triple."""

import pytest

from testbed.api import Object
from testbed.dubbo import Reference
from testbed.waiting import wait_until
from tests.e2e.shop import BOTH, CART, Shop, assert_all_calls_went_well
from tests.e2e.verdict import newest, written

US_CART = Reference("demo.CartService", group="us", version="2.0.0")


def test_several_of_everything(shop: Shop) -> None:
    """Services, interfaces, groups, versions and protocols of a pod are a provider each, with path and protocols."""
    shop.open()
    shop.deploy(replicas=2, kind=None)
    cart = {"name": "demo.CartService", "group": "eu", "version": "1.0.0", "path": "shop/demo.CartService"}
    order = {"name": "demo.OrderService", "protocols": ["tri"]}
    both_protocols = [{"name": "dubbo", "port": "dubbo"}, {"name": "tri", "port": 50051}]
    shop.declare_service("one", app="cart", protocols=both_protocols, interfaces=[cart, order])
    shop.declare_service("two", app="cart", references=(US_CART,))

    expected = {
        ("demo.CartService", "dubbo", 20880, "eu", "1.0.0", "shop/demo.CartService", "one"),
        ("demo.CartService", "tri", 50051, "eu", "1.0.0", "shop/demo.CartService", "one"),
        ("demo.OrderService", "tri", 50051, None, None, "demo.OrderService", "one"),
        ("demo.CartService", "dubbo", 20880, "us", "2.0.0", "demo.CartService", "two"),
    }
    wait_until(lambda: listed(shop) == {(*each, host) for each in expected for host in hosts(shop)})
    assert len(hosts(shop)) == 2
    wait_until(lambda: shop.status("one").get("registered") == "6/6", message="the first status counts six")
    wait_until(lambda: shop.status("two").get("registered") == "2/2", message="the second status counts two")
    assert shop.condition("Ready", "one")[0] == shop.condition("Ready", "two")[0] == "True"


@pytest.mark.parametrize("end", [{"phase": "Failed", "reason": "Evicted"}, {"phase": "Succeeded"}])
def test_ended_pod(shop: Shop, end: Object) -> None:
    """An evicted or finished pod is no provider, though it keeps its address, and here even its Ready condition."""
    shop.open()
    shop.deploy(replicas=3, kind=None)
    shop.declare_service()
    before = shop.wait_listed(3)
    ended = shop.pods()[0]["metadata"]["name"]

    shop.api.patch("pods", ended, {"status": end}, namespace=shop.namespace, subresource="status")

    pod = shop.api.get("pods", ended, namespace=shop.namespace)
    assert {"type": "Ready", "status": "True"}.items() <= pod["status"]["conditions"][1].items()
    address = f"{pod['status']['podIP']}:20880"
    wait_until(lambda: address not in shop.listed(CART), message="the pod is taken out")
    # The ReplicaSet makes another pod in its place.
    wait_until(lambda: len(shop.listed(CART)) == 3, timeout=20, message="three others are listed")
    assert before - {address} < shop.listed(CART)
    counts = {"selected": 4, "ready": 3, "wanted": 6, "registered": 6}
    wait_until(lambda: shop.status()["providers"] == counts, message="the ended pod is counted as selected only")
    assert {entry["pod"]: entry["reason"] for entry in shop.status()["notRegistered"]} == {ended: "NotRunning"}


def test_dual_stack(shop: Shop) -> None:
    """A pod with two addresses is listed with its IPv4 one, and with its IPv6 one where the service says so."""
    shop.open()
    shop.deploy(replicas=1, kind=None)
    shop.declare_service()
    shop.wait_listed(1)
    mark = newest(shop.zookeeper)
    pod = shop.pods()[0]
    name, address = pod["metadata"]["name"], pod["status"]["podIP"]
    both = {"podIPs": [{"ip": address}, {"ip": "fd00:10:64::1"}]}
    shop.api.patch("pods", name, {"status": both}, namespace=shop.namespace, subresource="status")
    shop.declare_service("six", app="cart", references=(US_CART,), address={"family": "IPv6"})

    wait_until(lambda: len(shop.urls(US_CART)) == 2, message="both services are listed")
    found = {url.parameters["application"]: url.host for url in shop.urls(US_CART)}
    assert found == {"cart": address, "six": "fd00:10:64::1"}
    assert "dubbo%3A%2F%2F%5Bfd00%3A10%3A64%3A" in written(shop.zookeeper, after=mark)[0].path

    only_one = {"podIPs": [{"ip": address}]}
    shop.api.patch("pods", name, {"status": only_one}, namespace=shop.namespace, subresource="status")
    wait_until(lambda: shop.condition("Ready", "six")[1] == "NoAddress", message="the status says what is missing")
    wait_until(lambda: [url.host for url in shop.urls(US_CART)] == [address], message="only the IPv4 address is left")


def test_triple(shop: Shop) -> None:
    """A Dubbo 3.3 consumer calls Dubbo 3.3 pods over the protocol tri."""
    shop.open()
    shop.deploy(replicas=2, kind="java-3.3", protocol="tri", port=50051, port_name="tri")
    shop.declare_service(protocols=[{"name": "tri", "port": "tri"}])
    wait_until(lambda: all(len(shop.listed(r)) == 2 for r in BOTH), timeout=60, message="both pods are listed")
    over_tri = tuple(Reference(r.interface, r.group, r.version, protocol="tri") for r in BOTH)
    consumers = shop.consume("java-3.3", references=over_tri)
    since = consumers[0].mark()

    wait_until(
        lambda: consumers[0].served_by(since) == shop.ready_addresses(port=50051), timeout=30, message="both are called"
    )
    wait_until(lambda: len(consumers[0].calls) >= 200, timeout=30, message="200 calls")
    assert_all_calls_went_well(consumers, since=since, at_least=15)


def listed(shop: Shop) -> set[tuple[str, str, int, str | None, str | None, str, str, str]]:
    """Return everything that is listed."""
    return {
        (
            url.parameters["interface"],
            url.protocol,
            url.port,
            url.parameters.get("group"),
            url.parameters.get("version"),
            url.path,
            url.parameters["application"],
            url.host,
        )
        for reference in BOTH
        for url in shop.urls(reference)
    }


def hosts(shop: Shop) -> set[str]:
    """Return the addresses of the pods."""
    return {str(pod["status"].get("podIP")) for pod in shop.pods()}
