"""Who may publish what where: two services with the same claim, and two pods at one address."""

from functools import partial
from typing import TYPE_CHECKING

from testbed.waiting import wait_until
from tests.e2e.shop import BOTH, CART, ORDER, PORT, Shop
from tests.e2e.verdict import address_of, listed_states, newest, written

if TYPE_CHECKING:
    from testbed.api import Object


def test_older_service_wins(shop: Shop) -> None:
    """Of two services with the same claim the older is published and the other told; it follows when the older goes."""
    shop.open()
    shop.deploy(replicas=3, kind=None)
    shop.declare_service("older", app="cart", application="older-cart")
    addresses = shop.wait_listed(3)
    wait_until(lambda: shop.condition("Ready", "older")[0] == "True", message="the older one is published")
    # Creation has whole seconds; of the same second, the uid decides.
    created = shop.api.get("registryservices", "older", namespace=shop.namespace)["metadata"]["creationTimestamp"]
    wait_until(partial(later, shop, created), message="the next second has begun")
    mark = newest(shop.zookeeper)
    shop.declare_service("younger", app="cart", references=(CART,), application="younger-cart")

    wait_until(lambda: shop.condition("Registered", "younger")[1] == "Conflict", message="the younger one is told")
    status, _, message = shop.condition("Ready", "younger")
    assert status == "False"
    assert f"{shop.namespace}/older" in message
    assert "older" in shop.status("younger")["notRegistered"][0]["message"]
    assert shop.condition("Stalled", "younger")[0] == "True"
    assert shop.condition("Ready", "older")[0] == "True"
    assert written(shop.zookeeper, after=mark) == []

    shop.api.delete("registryservices", "older", namespace=shop.namespace)
    wait_until(lambda: applications(shop) == {"younger-cart"}, timeout=20, message="the claims have passed on")
    assert shop.listed(CART) == addresses
    assert shop.listed(ORDER) == set()
    held = [addresses_held for _, addresses_held in listed_states(shop.zookeeper, CART, after=mark)]
    assert set(held) == {frozenset(addresses)}, "an address was missing while its claim passed on"
    wait_until(lambda: shop.condition("Ready", "younger")[0] == "True", message="the younger one is told")


def test_host_network(shop: Shop) -> None:
    """Of two host-network pods on one node with one port the older is listed; the status names the other."""
    shop.open()
    shop.declare_service(protocols=[{"name": "dubbo", "port": PORT}], references=(CART,))
    run_pod(shop, "first", hostNetwork=True)
    wait_until(lambda: len(shop.listed(CART)) == 1, message="the first pod is listed")
    created = shop.api.get("pods", "first", namespace=shop.namespace)["metadata"]["creationTimestamp"]
    wait_until(partial(later, shop, created), message="the next second has begun")
    mark = newest(shop.zookeeper)
    run_pod(shop, "second", hostNetwork=True)

    wait_until(lambda: shop.condition("Registered")[1] == "Conflict", message="the status says it")
    assert "pod second: " in shop.condition("Ready")[2]
    assert f"{shop.namespace}/first" in shop.condition("Ready")[2]
    assert [entry["pod"] for entry in shop.status()["notRegistered"]] == ["second"]
    assert written(shop.zookeeper, after=mark) == []

    shop.api.delete("pods", "first", namespace=shop.namespace)
    wait_until(lambda: shop.condition("Ready")[0] == "True", message="the second pod has the address")
    assert len(shop.listed(CART)) == 1
    assert {address_of(change.path) for change in written(shop.zookeeper, after=mark)} <= shop.listed(CART)


def run_pod(shop: Shop, name: str, *, annotations: dict[str, str] | None = None, **spec: object) -> None:
    """Run a pod of its own on the first node, past the scheduler, which would keep host ports apart."""
    container = {"name": "provider", "image": "provider"}
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "cart"}, "annotations": annotations or {}},
        "spec": {"nodeName": "node-0", "containers": [container], **spec},
    }
    shop.api.create(pod, namespace=shop.namespace)


def later(shop: Shop, timestamp: str) -> bool:
    """Tell whether what is created now gets a later time than this one."""
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "clock-"}}
    made = shop.api.create(probe, namespace=shop.namespace)
    return str(made["metadata"]["creationTimestamp"]) > timestamp


def applications(shop: Shop) -> set[str]:
    """Return the applications under which something is listed."""
    return {url.parameters["application"] for reference in BOTH for url in shop.urls(reference)}
