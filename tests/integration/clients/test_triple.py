"""The protocol tri between a real provider and a real consumer of Dubbo 3.3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testbed.dubbo import Reference
from testbed.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.dubbo import Consumer, Provider

CART = Reference("demo.CartService", group="eu", version="1.0.0", protocol="tri")
ORDER = Reference("demo.OrderService", protocol="tri")


def test_a_consumer_calls_a_provider_over_tri(
    provider: Callable[..., Provider], list_provider: Callable[..., str], consumer: Callable[..., Consumer]
) -> None:
    """A node that starts with tri:// is called over tri, with group and version and without."""
    running = provider("java-3.3", "10.64.0.2", protocol="tri")
    for reference in (CART, ORDER):
        list_provider(running.address, reference, protocol="tri")
    calling = consumer("java-3.3", CART, ORDER)
    wait_until(lambda: {c.reference for c in calling.calls if c.ok} == {CART, ORDER}, timeout=60)
    calling.stop()
    assert calling.failed() == []
