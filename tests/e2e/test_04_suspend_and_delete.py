"""A RegistryService that is suspended, one that is deleted, and what stands in the same directories for others."""

import contextlib
from functools import partial

from kazoo.exceptions import NoNodeError

from dubbo_registrar.dubbo.url import Url
from dubbo_registrar.model import Mark, ObjectKey, Owner
from dubbo_registrar.registry.mark import decode, encode
from testbed.dubbo import Reference
from testbed.waiting import wait_until
from tests.e2e.shop import BOTH, CART, OPERATOR_NAMESPACE, ORDER, Shop
from tests.e2e.verdict import address_of, newest, providers_path, removed_directories, written

ELSEWHERE = encode(Mark(Owner("another-cluster", "registrar/registrar"), ObjectKey("shop", "cart"), "uid", "uid"))


def test_suspended(shop: Shop) -> None:
    """While suspended nothing is added or changed, and only pods that go are taken out; resumed, it catches up."""
    shop.open()
    shop.deploy(replicas=3, drain_seconds=5)
    shop.declare_service()
    before = shop.wait_listed(3)
    mark = newest(shop.zookeeper)

    shop.declare_service(suspend=True, parameters={"timeout": "2500"})
    wait_until(lambda: shop.condition("Registered")[1] == "Suspended", message="the status says that it is suspended")
    assert shop.status()["registered"] == "6/6"
    leaving = shop.pods()[0]["metadata"]["name"]
    address = f"{shop.pods()[0]['status']['podIP']}:20880"
    shop.scale("cart", 5)
    wait_until(lambda: len(shop.ready_addresses()) == 5, timeout=30, message="five pods are ready")
    shop.api.delete("pods", leaving, namespace=shop.namespace)
    wait_until(
        lambda: all(shop.listed(r) == before - {address} for r in BOTH), message="the terminating pod is taken out"
    )
    assert shop.api.find("pods", leaving, namespace=shop.namespace), "the pod should still be draining"
    changes = written(shop.zookeeper, after=mark)
    assert [(change.kind, address_of(change.path)) for change in changes] == [("delete", address)] * 2

    shop.declare_service(suspend=False, parameters={"timeout": "2500"})
    wait_until(lambda: timeouts(shop) == ["2500"] * 10, message="each pod is listed once, as the spec says now")
    shop.wait_listed(5)
    wait_until(lambda: shop.condition("Ready")[0] == "True", message="the status says that all is well")


def test_directories_come_first_and_stay(shop: Shop) -> None:
    """`providers` is there as soon as the RegistryService is, without any pod, and stays when it is deleted."""
    shop.open()
    shop.declare_service()
    wait_until(partial(has_directories, shop, *BOTH), message="the directories are there")
    assert shop.condition("Ready")[1] in {"", "NoMatchingPods"}
    shop.deploy(replicas=2, kind=None)
    shop.wait_listed(2)
    shop.api.delete("registryservices", "cart", namespace=shop.namespace)
    wait_until(partial(gone, shop), timeout=20, message="the RegistryService is gone")
    assert has_directories(shop, *BOTH)
    assert removed_directories(shop.zookeeper) == []


def test_deleted(shop: Shop) -> None:
    """A deleted RegistryService is held until its nodes are gone; other nodes in the same directories stay."""
    shop.open()
    shop.deploy(replicas=3, kind=None)
    shop.declare_service()
    shop.wait_listed(3)
    put_foreign(shop, CART)
    mark = newest(shop.zookeeper)

    shop.api.delete("registryservices", "cart", namespace=shop.namespace)
    wait_until(partial(gone, shop), timeout=20, message="the RegistryService is gone")

    assert own_nodes(shop, CART) == own_nodes(shop, ORDER) == []
    assert {change.kind for change in written(shop.zookeeper, after=mark)} == {"delete"}
    assert len(written(shop.zookeeper, after=mark)) == 6
    assert set(foreign_nodes(CART)) <= set(shop.reader.get_children(providers_path(CART)))


def test_deleted_while_zookeeper_is_away(shop: Shop) -> None:
    """Deleted while ZooKeeper is away, it is held, says why, and goes with its nodes once ZooKeeper is back."""
    shop.open()
    shop.deploy(replicas=3, kind=None)
    shop.declare_service()
    shop.wait_listed(3)
    wait_until(lambda: shop.condition("Ready")[0] == "True", message="all is well")
    shop.zookeeper.stop()
    shop.api.delete("registryservices", "cart", namespace=shop.namespace)

    wait_until(
        lambda: shop.condition("Registered")[1] == "RegistryUnavailable",
        timeout=30,
        message="the status says that ZooKeeper is away",
    )
    metadata = shop.api.get("registryservices", "cart", namespace=shop.namespace)["metadata"]
    assert metadata["finalizers"] == ["dubbo-registrar.io/withdraw"]
    assert metadata["deletionTimestamp"]
    assert shop.condition("Ready")[0] == "False"

    shop.zookeeper.start()
    wait_until(partial(gone, shop), timeout=30, message="the RegistryService is gone")
    assert own_nodes(shop, CART) == own_nodes(shop, ORDER) == []


def test_foreign_nodes(shop: Shop) -> None:
    """Nodes without a mark, with a damaged one, or with another cluster's are reported and never touched."""
    shop.open()
    shop.declare_service()
    wait_until(partial(has_directories, shop, CART), message="the directory is there")
    foreign = put_foreign(shop, CART)
    shop.deploy(replicas=3, kind=None)
    wait_until(lambda: len(own_nodes(shop, CART)) == 3, timeout=20, message="three pods are listed beside them")
    shop.registrar.stop()
    damaged = own_nodes(shop, CART)[0]
    shop.reader.set(f"{providers_path(CART)}/{damaged}", ELSEWHERE[:-2])
    mark = newest(shop.zookeeper)
    shop.registrar.start()
    wait_until(lambda: shop.condition("Registered")[1] == "Taken", message="the status says that a place is taken")
    assert counted_foreign(shop) == len(foreign) + 1

    shop.declare_service(weight=50)
    wait_until(lambda: len(reweighted(shop)) == 3, message="three nodes of ours are changed")
    wait_until(lambda: len(own_nodes(shop, CART)) == 3, message="those before them are gone")
    shop.scale("cart", 0)
    wait_until(lambda: own_nodes(shop, CART) == [], timeout=20, message="no node of ours is left")
    shop.api.delete("registryservices", "cart", namespace=shop.namespace)
    wait_until(partial(gone, shop), timeout=20, message="the RegistryService is gone")

    touched = {change.path.rpartition("/")[2] for change in written(shop.zookeeper, after=mark)}
    assert touched
    assert touched.isdisjoint({*foreign, damaged})
    assert {*foreign, damaged} == set(shop.reader.get_children(providers_path(CART)))


def timeouts(shop: Shop) -> list[str | None]:
    """Return the parameter `timeout` of all that is listed."""
    return [url.parameters.get("timeout") for reference in BOTH for url in shop.urls(reference)]


def foreign_nodes(reference: Reference) -> dict[str, bytes]:
    """Return nodes that are not ours, by name, with their data."""

    def name(host: str) -> str:
        parameters = {"anyhost": "true", "interface": reference.interface, "application": "other"}
        path = reference.interface
        return Url.build(protocol="dubbo", host=host, port=20880, path=path, parameters=parameters).node_name

    return {
        name("10.64.200.1"): b"10.64.200.1",
        name("10.64.200.2"): b"",
        name("10.64.200.3"): ELSEWHERE,
        name("10.64.200.4"): ELSEWHERE[: len(ELSEWHERE) // 2],
        "no-url-at-all": b"",
    }


def put_foreign(shop: Shop, reference: Reference) -> set[str]:
    """Put the foreign nodes beside ours and return their names."""
    nodes = foreign_nodes(reference)
    for name, data in nodes.items():
        shop.reader.create(f"{providers_path(reference)}/{name}", data)
    return set(nodes)


def own_nodes(shop: Shop, reference: Reference) -> list[str]:
    """Return the names of the nodes of an interface that carry a mark of this cluster."""
    path = providers_path(reference)
    marks = {}
    for name in shop.reader.get_children(path):
        with contextlib.suppress(NoNodeError):  # gone since
            marks[name] = decode(shop.reader.get(f"{path}/{name}")[0])
    return [name for name, mark in marks.items() if mark is not None and mark.owner.cluster != "another-cluster"]


def counted_foreign(shop: Shop) -> int:
    """Return how many foreign nodes the status of the Registry counts."""
    status = shop.api.get("registries", "default", namespace=OPERATOR_NAMESPACE)["status"]
    return int(status["foreign"])


def reweighted(shop: Shop) -> list[str]:
    """Return the nodes of ours that have the new weight."""
    return [name for name in own_nodes(shop, CART) if Url.from_node_name(name).parameters.get("weight") == "50"]


def has_directories(shop: Shop, *references: Reference) -> bool:
    """Tell whether the directories of interfaces are there."""
    return all(shop.reader.exists(providers_path(reference)) for reference in references)


def gone(shop: Shop) -> bool:
    """Tell whether the RegistryService is gone."""
    return shop.api.find("registryservices", "cart", namespace=shop.namespace) is None
