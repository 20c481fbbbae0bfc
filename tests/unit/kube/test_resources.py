"""Custom resources become values of the model, or a reason why not; nothing else, whatever they are."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubbo_registrar.errors import InvalidObjectError
from dubbo_registrar.kube.resources import parse_registry, parse_service
from dubbo_registrar.model import (
    AddressFamily,
    Interface,
    ObjectKey,
    Protocol,
    Registry,
    Requirement,
    Selector,
    SelectorOperator,
    Service,
)
from tests.hostile import registries, services
from tests.hostile.objects import Bad, Good, changed, registry, service, stored

# Lone surrogates among them: JSON can carry them.
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20),
    lambda values: (
        st.lists(values, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=()), max_size=8), values, max_size=4)
    ),
    max_leaves=12,
)
PATHS = (
    "registryRef",
    "registryRef/name",
    "application",
    "suspend",
    "selector",
    "selector/matchLabels",
    "selector/matchLabels/app",
    "selector/matchExpressions",
    "protocols",
    "protocols/0",
    "protocols/0/port",
    "interfaces",
    "interfaces/0",
    "interfaces/0/name",
    "interfaces/0/methods",
    "interfaces/0/methods/0",
    "interfaces/0/protocols",
    "interfaces/0/parameters",
    "interfaces/0/path",
    "weight",
    "parameters",
    "parameters/timeout",
    "address",
    "nonsense",
)


def refusal(parse: Callable[[object], object], raw: object) -> InvalidObjectError:
    """Return why an object is refused."""
    with pytest.raises(InvalidObjectError) as caught:
        parse(raw)
    return caught.value


def assert_fits_a_condition(error: InvalidObjectError) -> None:
    """Check that the text of an error can be shown in a status: one printable line, not too long."""
    text = str(error)
    assert 0 < len(text) <= 4096
    assert text.isprintable()


def name_of(case: Bad | Good) -> str:
    """Return the name of a case, for the report."""
    return case.name


def test_service_with_everything() -> None:
    """Every field of a RegistryService ends up in the model, those of its own as Dubbo's parameters."""
    spec = {
        "registryRef": {"name": "staging"},
        "application": "shop",
        "suspend": True,
        "selector": {
            "matchLabels": {"app": "cart"},
            "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["db", "mq"]}],
        },
        "protocols": [{"name": "dubbo", "port": "dubbo"}, {"name": "tri", "port": 50051}],
        "interfaces": [
            {
                "name": "demo.Cart",
                "group": "eu",
                "version": "1.0",
                "methods": ["add"],
                "path": "shop/demo.Cart",
                "protocols": ["tri"],
                "parameters": {"add.timeout": "100"},
            },
            {"name": "demo.Order"},
        ],
        "weight": 0,
        "warmup": 1000,
        "tag": "canary",
        "parameters": {"timeout": "3000"},
        "address": {"family": "IPv6"},
    }
    assert parse_service(stored(service("cart", spec))) == Service(
        key=ObjectKey("shop", "cart"),
        uid="8e5e-01",
        generation=1,
        created_at=1_795_245_725_000,
        registry="staging",
        application="shop",
        selector=Selector(
            (
                Requirement("app", SelectorOperator.IN, frozenset({"cart"})),
                Requirement("tier", SelectorOperator.NOT_IN, frozenset({"db", "mq"})),
            )
        ),
        protocols=(Protocol("dubbo", "dubbo"), Protocol("tri", 50051)),
        interfaces=(
            Interface(
                "demo.Cart",
                group="eu",
                version="1.0",
                methods=("add",),
                path="shop/demo.Cart",
                protocols=("tri",),
                parameters={"add.timeout": "100"},
            ),
            Interface("demo.Order"),
        ),
        family=AddressFamily.IPV6,
        suspended=True,
        parameters={"timeout": "3000", "weight": "0", "warmup": "1000", "dubbo.tag": "canary"},
    )


def test_service_with_defaults() -> None:
    """What is left out of a RegistryService has the documented default, also where no API server put it in."""
    parsed = parse_service(stored(service("cart", services.SPEC)))
    assert parsed.registry == "default"
    assert parsed.application == "cart"
    assert parsed.family is AddressFamily.IPV4
    assert not parsed.suspended
    assert not parsed.deleted
    assert parsed.parameters == {}


def test_service_being_deleted() -> None:
    """A deletionTimestamp means deleted."""
    raw = stored(service("cart", services.SPEC))
    raw["metadata"]["deletionTimestamp"] = "2026-11-21T08:00:00Z"
    assert parse_service(raw).deleted


def test_registry() -> None:
    """A Registry names all its servers with their ports, its root without slashes, and its timeouts in seconds."""
    spec = {
        "address": "zookeeper://zk-0:2182?backup=zk-1,zk-2:2183",
        "root": "/dubbo/eu",
        "sessionTimeoutMilliseconds": 4500,
    }
    assert parse_registry(stored(registry("default", spec))) == Registry(
        key=ObjectKey("shop", "default"),
        uid="8e5e-01",
        generation=1,
        hosts=("zk-0:2182", "zk-1:2181", "zk-2:2183"),
        root="dubbo/eu",
        session_timeout=4.5,
        connect_timeout=5.0,
    )


@pytest.mark.parametrize("timestamp", ["", "yesterday", "2026-11-21T07:22:05", "2026-13-01T00:00:00Z"])
def test_timestamp_that_is_none(timestamp: str) -> None:
    """A creationTimestamp that is no point in time is refused like any other field."""
    raw = stored(service("cart", services.SPEC))
    raw["metadata"]["creationTimestamp"] = timestamp
    assert refusal(parse_service, raw).field == "metadata.creationTimestamp"


@pytest.mark.parametrize(
    ("timestamp", "milliseconds"),
    [("1970-01-01T00:00:01Z", 1000), ("1970-01-01T01:00:00.25+01:00", 250), ("0001-01-01T00:00:00+14:00", None)],
)
def test_timestamps(timestamp: str, milliseconds: int | None) -> None:
    """Every form that RFC 3339 allows is read."""
    raw = stored(service("cart", services.SPEC))
    raw["metadata"]["creationTimestamp"] = timestamp
    parsed = parse_service(raw).created_at
    assert parsed == milliseconds if milliseconds is not None else parsed < 0


@pytest.mark.parametrize("case", services.GOOD, ids=name_of)
def test_good_service(case: Good) -> None:
    """What the schema allows is read."""
    assert len(parse_service(stored(service("cart", case.spec))).interfaces) == len(case.spec["interfaces"])


@pytest.mark.parametrize("case", services.ONLY_IN_STATUS, ids=name_of)
def test_service_that_only_the_cluster_can_refuse(case: Bad) -> None:
    """What is wrong only in a given cluster is read: desired state and registry decide."""
    assert parse_service(stored(service("cart", case.spec))).registry == case.spec.get("registryRef", {}).get(
        "name", "default"
    )


@pytest.mark.parametrize("case", services.BAD, ids=name_of)
def test_bad_service(case: Bad) -> None:
    """A malformed or hostile RegistryService is refused, and the field at fault comes first."""
    error = refusal(parse_service, stored(service("cart", case.spec)))
    assert error.field == case.blames
    assert_fits_a_condition(error)


@pytest.mark.parametrize("case", registries.GOOD, ids=name_of)
def test_good_registry(case: Good) -> None:
    """What the schema allows is read."""
    parsed = parse_registry(stored(registry("default", case.spec)))
    assert all(host.rpartition(":")[2].isdigit() for host in parsed.hosts)
    assert not parsed.root.startswith("/")


@pytest.mark.parametrize("case", registries.BAD, ids=name_of)
def test_bad_registry(case: Bad) -> None:
    """A malformed or hostile Registry is refused, and the field at fault comes first."""
    error = refusal(parse_registry, stored(registry("default", case.spec)))
    assert error.field == case.blames
    assert_fits_a_condition(error)


def test_unknown_field() -> None:
    """A field that is not in the schema is refused by name, not dropped."""
    error = refusal(parse_service, stored(service("cart", services.UNKNOWN_FIELD)))
    assert str(error) == "spec.weights: there is no such field"


def test_many_errors() -> None:
    """The first three errors are told and the others counted."""
    spec = changed(services.SPEC, {"weight": "a", "warmup": "b", "tag": 1, "suspend": 1, "parameters": []})
    text = str(refusal(parse_service, stored(service("cart", spec))))
    assert text == (
        "spec.suspend: must be true or false; spec.weight: must be a whole number; "
        "spec.warmup: must be a whole number; and 2 more"
    )


def test_refused_parameter_names_the_field_to_use() -> None:
    """A parameter that has a field of its own is refused with the name of the field."""
    spec = changed(services.SPEC, {"parameters": {"dubbo.tag": "canary"}})
    assert "spec.tag" in str(refusal(parse_service, stored(service("cart", spec))))


@given(JSON)
def test_any_json(raw: object) -> None:
    """Whatever comes instead of an object, it is refused with a text that can be shown."""
    assert_fits_a_condition(refusal(parse_service, raw))
    assert_fits_a_condition(refusal(parse_registry, raw))


@given(path=st.sampled_from(PATHS), value=JSON, data=st.data())
def test_any_json_in_a_field(path: str, value: object, data: st.DataObject) -> None:
    """Whatever stands in a field, the object is read or refused with a text that can be shown."""
    raw: dict[str, Any] = stored(service("cart", changed(services.SPEC, {path: value})))
    key = data.draw(st.sampled_from(["", "a\n", "\ud800", "x" * 5000]))
    raw["spec"].setdefault("parameters", {key: value})
    try:
        parse_service(raw)
    except InvalidObjectError as error:
        assert_fits_a_condition(error)
