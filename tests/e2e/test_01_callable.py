"""A Deployment and a RegistryService are all it takes: real consumers of four kinds find the pods and call them."""

from functools import partial

from testbed.dubbo import Consumer, Reference
from testbed.waiting import wait_until
from tests.e2e.shop import ALL_KINDS, BOTH, Shop, assert_all_calls_went_well


def test_every_kind_of_consumer_calls_every_pod_on_both_interfaces(shop: Shop) -> None:
    """Java 2.6, 2.7, 3.3 and dubbo-go call all three pods, on both interfaces, with group and version."""
    shop.open()
    shop.deploy(replicas=3)
    shop.declare_service()
    addresses = shop.wait_listed(3)
    consumers = shop.consume(*ALL_KINDS)
    since = max(consumer.mark() for consumer in consumers)

    for consumer in consumers:
        for reference in BOTH:
            wait_until(
                partial(called, consumer, reference, addresses, since=since),
                timeout=30.0,
                message=f"{consumer.kind} calls all three pods on {reference.interface}",
            )

    assert_all_calls_went_well(consumers, since=since, at_least=15)
    assert shop.condition("Ready")[:2] == ("True", "Registered")
    assert shop.status()["registered"] == "6/6"


def called(consumer: Consumer, reference: Reference, addresses: set[str], *, since: float) -> bool:
    """Tell whether a consumer got answers from exactly these addresses since then."""
    served = {call.served for call in consumer.calls if call.ok and call.reference == reference and call.at >= since}
    return served == addresses
