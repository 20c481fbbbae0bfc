"""Which parameters users may set: those that every consumer reads the same way, and nothing that steers consumers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubbo_registrar.dubbo.parameters import METHOD_RULES, RULES, refusal
from dubbo_registrar.dubbo.provider import RESERVED
from dubbo_registrar.dubbo.url import Url


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("timeout", "1"),
        ("timeout", "3600000"),
        ("retries", "0"),
        ("executes", "1000000"),
        ("loadbalance", "leastactive"),
        ("cluster", "available"),
        ("deprecated", "true"),
        ("prefer.serialization", "fastjson2,hessian2"),
        ("document", "https://wiki.acme/a(b)~c!"),
    ],
)
def test_allowed(key: str, value: str) -> None:
    """Common settings are allowed up to their bounds."""
    assert refusal(key, value) is None


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("timeout", "0", "'0' is not a number of milliseconds from 1 to 3600000"),
        ("timeout", "\u0661", "is not a number"),
        ("timeout", "1\n", "is not a number"),
        ("timeout", "9" * 5000, "is not a number"),
        ("retries", "-1", "from 0 to 100"),
        ("loadbalance", "shortestresponse", "is not one of random roundrobin leastactive"),
        ("serialization", "fastjson2", "is not hessian2"),
        ("owner", "a&b", "is not 1 to 256 of the characters"),
        ("owner", "", "is not 1 to 256 of the characters"),
        ("weight", "1", "it has a field: spec.weight"),
        ("router", "script", "allowed are actives "),
        ("Timeout", "1", "allowed are actives "),
        ("", "1", "allowed are actives "),
    ],
)
def test_refused(key: str, value: str, reason: str) -> None:
    """What is refused is refused with the reason, in words that say what to write instead."""
    assert reason in str(refusal(key, value))


def test_parameter_of_a_method() -> None:
    """A method that is declared may have its own timeout, retries and the like; no other name may."""
    assert refusal("add.timeout", "100", methods=["add"]) is None
    assert "'100s' is not a number" in str(refusal("add.timeout", "100s", methods=["add"]))
    assert refusal("remove.timeout", "100", methods=["add"]) == "'remove' is not in the methods of the interface"
    assert "not an allowed parameter" in str(refusal("add.cluster", "failfast", methods=["add"]))


@given(key=st.text(), value=st.text())
def test_refusal_is_one_line(key: str, value: str) -> None:
    """Whatever stands in a parameter, the reason is one printable line."""
    assert (refusal(key, value) or "-").isprintable()


@given(key=st.sampled_from(sorted(RULES)), value=st.text("aZ09._:/,*$@!~()-&;=%#?+ \n", max_size=12))
def test_what_is_allowed_can_be_written(key: str, value: str) -> None:
    """The codec writes whatever is allowed here."""
    if refusal(key, value) is None:
        url = Url.build(protocol="dubbo", host="10.0.0.1", port=1, path="a.B", parameters={key: value})
        assert Url.from_node_name(url.node_name).parameters == {key: value}


def test_nothing_of_the_operator_is_allowed() -> None:
    """No allowed key is one that the operator sets itself."""
    assert not RESERVED & (RULES.keys() | METHOD_RULES.keys())
