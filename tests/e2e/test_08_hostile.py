"""More than fifty malformed and hostile RegistryServices beside a good one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from testbed.api import ApiError, Object
from testbed.bed import TestBed
from testbed.waiting import wait_until
from tests.e2e.shop import CART, Shop, assert_all_calls_went_well, condition_of
from tests.e2e.verdict import newest, written
from tests.hostile import services
from tests.hostile.objects import service, without_schema

DEFINITION = Path(__file__).parents[2] / "crds" / "registryservices.dubbo-registrar.io.yaml"
COLLECTION = "/apis/dubbo-registrar.io/v1alpha1/namespaces/{}/registryservices"


def test_bad_objects_beside_a_good_one(shop: Shop) -> None:
    """Each is refused with a reason, by the API server or in its status; the good one's consumers notice nothing."""
    shop.open()
    shop.deploy(replicas=3, references=(CART,))
    create(shop, "good", services.SPEC)
    shop.wait_listed(3, references=(CART,))
    consumers = shop.consume("java-2.7", "dubbo-go", references=(CART,), calls_per_second=25)
    since, mark = consumers[0].mark(), newest(shop.zookeeper)

    assert len(services.BAD) >= 50
    for case in services.BAD:
        assert_refused(shop, case.name, case.spec)
    created = time.monotonic()
    for case in services.ONLY_IN_STATUS:
        create(shop, case.name, case.spec)
    reasons = {case.name: case.blames for case in services.ONLY_IN_STATUS}
    wait_until(lambda: shown(shop, set(reasons)) == reasons, timeout=5, message=f"the statuses say {reasons}")
    seconds = time.monotonic() - created
    print(f"{len(services.BAD)} refused by the API server, {len(reasons)} in status after {seconds:.1f} s")

    with no_schema(shop.bed):
        created = time.monotonic()
        for case in services.BAD:
            create(shop, f"stored-{case.name}", case.spec)
        stored = {f"stored-{case.name}" for case in services.BAD}
        wait_until(
            lambda: set(shown(shop, stored).values()) == {"InvalidSpec"},
            timeout=15,
            message="the status of each stored object says that it is invalid",
        )
        print(f"{len(stored)} stored without a schema: all refused in status after {time.monotonic() - created:.1f} s")
        blames = {f"stored-{case.name}": case.blames for case in services.BAD}
        for item in listed(shop, stored):
            assert blames[item["metadata"]["name"]] in condition_of(item["status"], "Ready")[2]

    assert written(shop.zookeeper, after=mark) == []
    assert shop.condition("Ready", "good")[:2] == ("True", "Registered")
    assert_all_calls_went_well(consumers, since=since, at_least=20)
    assert_survived(shop, stored)


def assert_survived(shop: Shop, stored: set[str]) -> None:
    """Check that the operator still works with bad objects behind the schema, and lets go of those that are deleted."""
    shop.scale("cart", 4)
    shop.wait_listed(4, references=(CART,))
    # Kubernetes lets nobody touch an object, its finalizers included, that breaks the evaluation of a CEL rule.
    with no_schema(shop.bed):
        for name in stored:
            shop.api.delete("registryservices", name, namespace=shop.namespace)
        wait_until(lambda: not listed(shop, stored), timeout=30, message="the bad objects are gone")


def create(shop: Shop, name: str, spec: object) -> None:
    """Create a RegistryService as a client does that is not strict."""
    shop.api.request("POST", COLLECTION.format(shop.namespace), body=service(name, spec))


def assert_refused(shop: Shop, name: str, spec: object) -> None:
    """Check that the API server refuses a RegistryService and says why."""
    with pytest.raises(ApiError) as caught:
        create(shop, name, spec)
    assert caught.value.status in {400, 422}
    assert "spec" in caught.value.message


def listed(shop: Shop, names: set[str]) -> list[Object]:
    """Return those of the RegistryServices that are there."""
    found = shop.api.list("registryservices", namespace=shop.namespace)
    return [item for item in found if item["metadata"]["name"] in names]


def shown(shop: Shop, names: set[str]) -> dict[str, str]:
    """Return the reason of `Ready` by name; it is empty where there is none yet."""
    items = {str(item["metadata"]["name"]): item for item in listed(shop, names)}
    return {name: condition_of(items.get(name, {}).get("status", {}), "Ready")[1] for name in names}


@contextmanager
def no_schema(bed: TestBed) -> Iterator[None]:
    """Let the API server store any spec, as an older definition might have; bring the schema back afterwards."""
    definition = yaml.safe_load(DEFINITION.read_text())
    bed.api.apply(without_schema(definition))
    wait_until(lambda: stores_anything(bed), timeout=20, message="any spec is stored")
    try:
        yield
    finally:
        bed.api.apply(definition)
        wait_until(lambda: not stores_anything(bed), timeout=20, message="bad specs are refused again")


def stores_anything(bed: TestBed) -> bool:
    """Tell whether the API server would store a spec that is a list."""
    try:
        bed.api.request("POST", COLLECTION.format("default"), body=service("probe", []), query={"dryRun": "All"})
    except ApiError:
        return False
    return True
