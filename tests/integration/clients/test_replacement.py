"""How a provider's parameters can be changed without a failed call in any consumer, even when it is the only provider.

dubbo-go keeps providers by address, service and timestamp, and may hear of a deleted node before a created one: to
delete and create in one transaction leaves it without the provider for a moment, and ends calls under way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from testbed.dubbo import ConsumerKind, Reference
from testbed.waiting import let_pass, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.dubbo import Consumer, Provider
    from testbed.zookeeper import ZooKeeper

CART = Reference("demo.CartService", group="eu", version="1.0.0")
OVERLAP_SECONDS = 0.25


@pytest.mark.parametrize("kind", get_args(ConsumerKind))
def test_a_new_node_before_the_old_one_goes_fails_no_call(
    kind: ConsumerKind,
    zookeeper: ZooKeeper,
    provider: Callable[..., Provider],
    list_provider: Callable[..., str],
    consumer: Callable[..., Consumer],
) -> None:
    """Eight changes of the only provider, each with another timestamp, the old node gone 250 ms later: no failure."""
    running = provider("dubbo-go", "10.64.0.2")
    client = zookeeper.client()
    old = list_provider(running.address, CART, timestamp="1700000000000")
    calling = consumer(kind, CART)
    wait_until(lambda: calling.served_by(0), timeout=60, message="a call served")
    for change in range(1, 9):
        new = list_provider(running.address, CART, timestamp=str(1700000000000 + change), weight=str(100 + change))
        let_pass(OVERLAP_SECONDS)
        client.delete(old)
        old = new
    client.stop()
    client.close()
    after = calling.mark()
    wait_until(lambda: calling.served_by(after), timeout=10, message="a call after the last change")
    calling.stop()
    assert calling.failed() == []
    assert calling.providers(CART) == frozenset({running.address})
