"""Provider URLs: what every consumer demands is there, what any of them stumbles over is not."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dubbo_registrar.dubbo.provider import RESERVED, claim_of, provider_url, stamp
from dubbo_registrar.dubbo.url import Url
from dubbo_registrar.model import Address, Claim, Interface

STARTED = 1_700_000_000_000
CART = Interface("com.acme.CartService", parameters={})
NAMES = st.text("abcXYZ019.$_", min_size=1, max_size=20)
PARAMETERS = st.dictionaries(st.sampled_from(["weight", "warmup", "timeout", "dubbo.tag", "owner"]), NAMES)
INTERFACES = st.builds(
    Interface,
    NAMES,
    group=st.none() | NAMES,
    version=st.none() | NAMES,
    methods=st.lists(NAMES, max_size=3).map(tuple),
    path=st.none() | NAMES,
    parameters=PARAMETERS,
)
ADDRESSES = st.builds(
    Address, st.sampled_from(["dubbo", "tri"]), st.ip_addresses().map(str), st.integers(min_value=1, max_value=65535)
)


def provider(
    interface: Interface = CART,
    *,
    host: str = "10.64.0.2",
    parameters: Mapping[str, str] | None = None,
    timestamp: int = STARTED,
) -> Url:
    """Return the URL of a cart pod."""
    return provider_url(
        address=Address("dubbo", host, 20880),
        interface=interface,
        application="shop-cart",
        parameters=parameters or {},
        timestamp=timestamp,
    )


def test_the_least_that_a_provider_says() -> None:
    """Without group, version, methods and parameters these parameters are there, and no others."""
    url = provider()
    text = str(url).replace(url.parameters["timestamp"], "T")
    assert text == (
        "dubbo://10.64.0.2:20880/com.acme.CartService?anyhost=true&application=shop-cart&deprecated=false&dubbo=2.0.2"
        "&dynamic=true&generic=false&interface=com.acme.CartService&side=provider&timestamp=T"
    )


def test_all_that_a_provider_says() -> None:
    """Group, version, methods, path and parameters are there when set, parameters of the interface first."""
    interface = Interface(
        "com.acme.CartService",
        group="eu",
        version="1.0.0",
        methods=("remove", "add", "add"),
        path="shop/cart",
        parameters={"timeout": "3000", "deprecated": "true"},
    )
    url = provider(interface, parameters={"timeout": "1000", "weight": "50", "dubbo.tag": "gray"})
    text = str(url).replace(url.parameters["timestamp"], "T")
    assert text == (
        "dubbo://10.64.0.2:20880/shop/cart?anyhost=true&application=shop-cart&deprecated=true&dubbo=2.0.2"
        "&dubbo.tag=gray&dynamic=true&generic=false&group=eu&interface=com.acme.CartService&methods=add,remove"
        "&side=provider&timeout=3000&timestamp=T&version=1.0.0&weight=50"
    )


@given(ADDRESSES, INTERFACES, PARAMETERS)
def test_demands_of_all_consumers(address: Address, interface: Interface, parameters: Mapping[str, str]) -> None:
    """Every provider URL starts with `anyhost`, names its application and its interface, and has no empty value."""
    url = provider_url(
        address=address, interface=interface, application="shop", parameters=parameters, timestamp=STARTED
    )
    assert str(url).partition("?")[2].startswith("anyhost=true&application=shop&")
    assert url.parameters["interface"] == interface.name
    assert all(url.parameters.values())
    assert not any("serialization" in key for key in url.parameters)
    assert ("group" in url.parameters, "version" in url.parameters) == (
        interface.group is not None,
        interface.version is not None,
    )


@given(ADDRESSES, INTERFACES, PARAMETERS)
def test_claim_of_our_own_nodes(address: Address, interface: Interface, parameters: Mapping[str, str]) -> None:
    """The name of a node of ours tells the claim it was made from."""
    url = provider_url(
        address=address, interface=interface, application="shop", parameters=parameters, timestamp=STARTED
    )
    assert claim_of(url.node_name) == Claim(interface.name, interface.group, interface.version, address)


@pytest.mark.parametrize("key", sorted(RESERVED))
def test_reserved_parameters(key: str) -> None:
    """What says what a provider is cannot be set by parameters, neither the service's nor the interface's."""
    with pytest.raises(ValueError, match=key):
        provider(parameters={key: "x"})
    with pytest.raises(ValueError, match=key):
        provider(replace(CART, parameters={key: "x"}))


def test_category_cannot_be_set() -> None:
    """A parameter that turns a provider into a routing rule in Java 2 is reserved."""
    with pytest.raises(ValueError, match="category"):
        provider(parameters={"category": "routers"})


@pytest.mark.parametrize("interface", [replace(CART, group=""), replace(CART, version="")])
def test_empty_group_and_version(interface: Interface) -> None:
    """An empty group or version is refused: no consumer of Java 2.7 and 3 would find the provider."""
    with pytest.raises(ValueError, match=r"(group|version).*''"):
        provider(interface)


def test_same_input_same_name() -> None:
    """The order of parameters and methods does not show in the name: a restart of the operator changes nothing."""
    one = provider(replace(CART, methods=("a", "b")), parameters={"weight": "1", "timeout": "2"})
    other = provider(replace(CART, methods=("b", "a")), parameters={"timeout": "2", "weight": "1"})
    assert one.node_name == other.node_name


def test_timestamp_follows_parameters_and_path() -> None:
    """A change of a parameter or of the path changes the timestamp, which dubbo-go knows a provider by."""
    stamps = {
        provider(changed, parameters=parameters).parameters["timestamp"]
        for changed in (CART, replace(CART, path="shop/cart"))
        for parameters in ({}, {"weight": "50"}, {"weight": "51"})
    }
    assert len(stamps) == 6


@given(st.integers(min_value=0, max_value=2**43), PARAMETERS)
@example(STARTED, {})
@example(STARTED + 999, {})
@example(0, {})
def test_stamp_is_before_the_start(started_at_ms: int, parameters: Mapping[str, str]) -> None:
    """A timestamp is never later than the start, and less than two seconds earlier."""
    assert 0 <= started_at_ms - stamp(started_at_ms, parameters) < 2000


def test_stamp_is_the_same_in_every_process() -> None:
    """The milliseconds do not depend on the process: a new leader writes the names of the former one."""
    assert stamp(STARTED, {"b": "2", "a": "1"}) == STARTED - 1000 + 672


def test_stamp_tells_starts_apart() -> None:
    """A container that started a second later has another timestamp."""
    assert stamp(STARTED + 1000, {}) == stamp(STARTED, {}) + 1000


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        (
            "tri%3A%2F%2F10.0.0.5%3A50051%2Fctx%2Fa.B%3Finterface%3Da.B%26version%3D1",
            Claim("a.B", None, "1", Address("tri", "10.0.0.5", 50051)),
        ),
        ("dubbo%3A%2F%2F10.0.0.5%3A1%2Fa.B", Claim("a.B", None, None, Address("dubbo", "10.0.0.5", 1))),
        (
            "dubbo%3A%2F%2F%5B2001%3ADB8%3A0%3A0%3A0%3A0%3A0%3A1%5D%3A1%2Fa.B%3Fgroup%3Dg",
            Claim("a.B", "g", None, Address("dubbo", "2001:db8::1", 1)),
        ),
        ("dubbo%3A%2F%2F1%3A2%3A3%2Fa.B", Claim("a.B", None, None, Address("dubbo", "1:2", 3))),
        ("dubbo%3A%2F%2F10.0.0.5%3A1", None),
        ("dubbo%3A%2F%2F10.0.0.5%3Ahttp%2Fa.B", None),
        ("hello", None),
        ("100%", None),
    ],
)
def test_claim_of_what_others_wrote(text: str, claim: Claim | None) -> None:
    """What others wrote is a claim too, if it can be read."""
    assert claim_of(text) == claim
