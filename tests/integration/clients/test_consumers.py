"""The real consumers of the test bed find and call its real providers, by nodes that a plain client wrote."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, get_args

import pytest

from testbed.dubbo import ConsumerKind, Reference
from testbed.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.dubbo import Consumer, Provider

CART = Reference("demo.CartService", group="eu", version="1.0.0")
ORDER = Reference("demo.OrderService")

ADDRESSES = frozenset({"10.64.0.2:20880", "10.64.0.3:20880"})


@pytest.mark.parametrize("kind", get_args(ConsumerKind))
def test_a_consumer_calls_all_listed_providers_of_both_services(
    kind: ConsumerKind,
    provider: Callable[..., Provider],
    list_provider: Callable[..., str],
    consumer: Callable[..., Consumer],
) -> None:
    """Every kind of consumer calls a dubbo-go and a Java provider, with group and version and without; none fails."""
    provider("dubbo-go", "10.64.0.2")
    provider("java-2.7", "10.64.0.3")
    for address in ADDRESSES:
        for reference in (CART, ORDER):
            list_provider(address, reference)
    calling = consumer(kind, CART, ORDER)
    for reference in (CART, ORDER):
        wait_until(partial(_served_by_all, calling, reference), timeout=60, message=f"{reference} served by both")
        assert calling.providers(reference) == ADDRESSES
    calling.stop()
    assert calling.failed() == []


@pytest.mark.parametrize("kind", get_args(ConsumerKind))
def test_a_consumer_waits_for_its_first_provider(
    kind: ConsumerKind,
    provider: Callable[..., Provider],
    list_provider: Callable[..., str],
    consumer: Callable[..., Consumer],
) -> None:
    """Without a provider calls fail as no-provider; they succeed once one is listed, and the list shows it."""
    running = provider("dubbo-go", "10.64.0.2")
    calling = consumer(kind, ORDER)
    wait_until(calling.failed, timeout=60, message="a call without providers")
    list_provider(running.address, ORDER)
    wait_until(lambda: calling.served_by(0), timeout=30, message="a call served")
    assert {call.error for call in calling.failed()} == {"no-provider"}
    assert calling.providers(ORDER) == frozenset({running.address})
    calling.stop()


def test_a_call_that_hangs_leaves_the_other_reference_alone(
    provider: Callable[..., Provider], list_provider: Callable[..., str], consumer: Callable[..., Consumer]
) -> None:
    """Calls to a frozen provider time out after 3 s while those of the other reference go on at their rate."""
    frozen, serving = provider("dubbo-go", "10.64.0.2"), provider("dubbo-go", "10.64.0.3")
    list_provider(frozen.address, CART)
    list_provider(serving.address, ORDER)
    calling = consumer("java-2.7", CART, ORDER)
    wait_until(lambda: calling.served_by(0) == {frozen.address, serving.address}, timeout=60, message="both called")
    frozen.pause()
    paused = calling.mark()
    wait_until(lambda: calling.failed(paused), timeout=15, message="a call that timed out")
    frozen.resume()
    calling.stop()
    assert {(call.reference, call.error) for call in calling.failed(paused)} == {(CART, "timeout")}
    timed_out = calling.failed(paused)[0]
    meanwhile = [
        call
        for call in calling.calls
        if call.reference == ORDER and timed_out.at <= call.at < timed_out.at + timed_out.seconds
    ]
    assert len(meanwhile) > 40


def test_group_and_version_tell_services_apart(
    provider: Callable[..., Provider], list_provider: Callable[..., str], consumer: Callable[..., Consumer]
) -> None:
    """A consumer that names no group does not take a provider of a group."""
    running = provider("dubbo-go", "10.64.0.2")
    list_provider(running.address, CART)
    ungrouped = Reference(CART.interface)
    calling = consumer("java-2.7", CART, ungrouped)
    wait_until(lambda: calling.served_by(0), timeout=60, message="a call served")
    wait_until(lambda: any(call.reference == ungrouped for call in calling.calls), message="a call without group")
    calling.stop()
    assert {call.reference for call in calling.failed()} == {ungrouped}
    assert calling.providers(ungrouped) == frozenset()


def _served_by_all(calling: Consumer, reference: Reference) -> bool:
    return {call.served for call in calling.calls if call.reference == reference} == ADDRESSES
