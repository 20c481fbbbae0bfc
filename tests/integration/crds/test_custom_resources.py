"""A real API server refuses what the operator refuses, and stores what the operator can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubbo_registrar.errors import InvalidObjectError
from dubbo_registrar.kube.resources import parse_registry, parse_service
from testbed.api import ApiError
from tests.hostile import registries, services
from tests.hostile.objects import Bad, Good, changed, registry, service, stored

if TYPE_CHECKING:
    from testbed.api import Object
    from testbed.bed import TestBed

_COLLECTION = "/apis/dubbo-registrar.io/v1alpha1/namespaces/default"
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
_TRANSITION = {"lastTransitionTime": "2026-11-21T07:22:05Z", "observedGeneration": 1}

# What is put into a good spec, to see that both sides judge it alike.
VALUES = st.sampled_from([
    *("", "a", "A-1", "a.B", "*", "0.0.0", "a b", "default", "add", "1", "0", "101", "dubbo", "tri", "true", "a&b"),
    *(True, False, None, 0, 1, -1, 1.0, 1.5, 65536, 10_001, 2**70, [], {}, ["add"], ["dubbo"], ["tri"], ["tri", "tri"]),
    *({"timeout": "1"}, {"timeout": "1s"}, {"add.retries": "1"}, {"a.retries": "1"}, {"name": "tri", "port": 1}),
    *({"name": "demo.CartService", "group": "eu", "version": "1.0.0"}, {"name": "demo.CartService"}, "a\n"),
])  # fmt: skip
PATHS = st.sampled_from([
    *("registryRef", "registryRef/name", "application", "suspend", "selector", "weight", "warmup", "tag", "address"),
    *("selector/matchLabels", "selector/matchLabels/app", "selector/matchLabels/a b", "selector/matchExpressions"),
    *("protocols", "protocols/0", "protocols/0/name", "protocols/0/port", "protocols/1", "address/family"),
    *("interfaces", "interfaces/0", "interfaces/0/name", "interfaces/0/group", "interfaces/0/version", "interfaces/1"),
    *("interfaces/0/methods", "interfaces/0/methods/0", "interfaces/0/path", "interfaces/0/protocols"),
    *("interfaces/0/parameters", "interfaces/0/parameters/add.timeout", "parameters", "parameters/timeout"),
    *("parameters/retries", "parameters/owner", "parameters/deprecated", "parameters/default.timeout"),
])  # fmt: skip


def name_of(case: Bad | Good) -> str:
    """Return the name of a case, for the report."""
    return case.name


def try_out(bed: TestBed, manifest: Object, *, validation: str = "Strict") -> Object:
    """Let the API server judge an object without storing it; return what it would store."""
    plural = {"RegistryService": "registryservices", "Registry": "registries"}[manifest["kind"]]
    query = {"dryRun": "All", "fieldValidation": validation}
    return bed.api.request("POST", f"{_COLLECTION}/{plural}", body=manifest, query=query)


def assert_refused(bed: TestBed, manifest: Object, *, blames: str) -> None:
    """Check that the API server refuses an object, and says in which part."""
    with pytest.raises(ApiError) as caught:
        try_out(bed, manifest)
    assert caught.value.status in {400, 422}
    # Rules across fields name the list or map, the operator the entry in it.
    part = ".".join(blames.partition("[")[0].split(".")[:2])
    assert part in caught.value.message


@pytest.mark.parametrize("case", services.BAD, ids=name_of)
def test_bad_service(bed: TestBed, case: Bad) -> None:
    """A malformed or hostile RegistryService is not stored."""
    assert_refused(bed, service(case.name, case.spec), blames=case.blames)


@pytest.mark.parametrize("case", [*services.GOOD, *services.ONLY_IN_STATUS], ids=name_of)
def test_good_service(bed: TestBed, case: Good | Bad) -> None:
    """What the corpus calls good is stored, and what is stored is read as what was written."""
    manifest = service(case.name, case.spec)
    answer = parse_service(try_out(bed, manifest))
    written = parse_service(stored(manifest))
    assert answer.selector == written.selector
    assert answer.interfaces == written.interfaces
    assert (answer.registry, answer.family, answer.suspended) == (written.registry, written.family, written.suspended)


@pytest.mark.parametrize("case", registries.BAD, ids=name_of)
def test_bad_registry(bed: TestBed, case: Bad) -> None:
    """A malformed or hostile Registry is not stored."""
    assert_refused(bed, registry(case.name, case.spec), blames=case.blames)


@pytest.mark.parametrize("case", registries.GOOD, ids=name_of)
def test_good_registry(bed: TestBed, case: Good) -> None:
    """What the corpus calls good is stored, and what is stored is read as what was written."""
    manifest = registry(case.name, case.spec)
    answer = parse_registry(try_out(bed, manifest))
    written = parse_registry(stored(manifest))
    assert (answer.hosts, answer.root) == (written.hosts, written.root)
    assert (answer.session_timeout, answer.connect_timeout) == (written.session_timeout, written.connect_timeout)


@settings(max_examples=300, deadline=None)
@given(changes=st.dictionaries(PATHS, VALUES, min_size=1, max_size=3))
def test_both_judge_alike(bed: TestBed, changes: dict[str, object]) -> None:
    """Whatever is changed in a good spec: the API server stores it exactly if the operator can read it."""
    try:
        manifest = service("cart", changed(services.SPEC, dict(sorted(changes.items()))))
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        return  # one change took away the place of another
    try:
        answer = try_out(bed, manifest)
    except ApiError:
        with pytest.raises(InvalidObjectError):
            parse_service(stored(manifest))
    else:
        parse_service(answer)


def test_unknown_field(bed: TestBed) -> None:
    """A field that is not in the schema is refused to kubectl, and dropped for clients that are not strict."""
    manifest = service("cart", services.UNKNOWN_FIELD)
    with pytest.raises(ApiError, match="weights"):
        try_out(bed, manifest)
    assert "weights" not in try_out(bed, manifest, validation="Ignore")["spec"]


def test_unknown_parameter_is_named(bed: TestBed) -> None:
    """The refusal of an unknown parameter names the parameter."""
    with pytest.raises(ApiError, match=r"not allowed: \[.*retry.*\]"):
        try_out(bed, service("cart", changed(services.SPEC, {"parameters": {"retry": "1", "timeout": "1"}})))


@pytest.mark.parametrize("change", [{"address": "zookeeper://other:2181"}, {"root": "other"}, {"root": "/dubbo"}])
def test_registry_cannot_move(bed: TestBed, change: dict[str, Any]) -> None:
    """Address and root of a Registry stay: another ensemble is another Registry."""
    bed.api.create(registry("fixed", registries.SPEC))
    try:
        with pytest.raises(ApiError, match="cannot be changed"):
            bed.api.patch("Registry", "fixed", {"spec": change})
        bed.api.patch("Registry", "fixed", {"spec": {"sessionTimeoutMilliseconds": 20_000}})
    finally:
        bed.api.delete("Registry", "fixed")


def test_columns_of_a_service(bed: TestBed) -> None:
    """`kubectl get dsvc` says whether the service is visible, and if not why."""
    ready = {"type": "Ready", "status": "False", "reason": "NoReadyPods", "message": "none is ready", **_TRANSITION}
    status = {
        "observedGeneration": 1,
        "registered": "0/3",
        "providers": {"selected": 3, "ready": 0, "wanted": 3, "registered": 0},
        "notRegistered": [{"pod": "cart-1", "reason": "NotReady", "message": "not ready"}],
        "conditions": [ready],
    }
    cells = _columns(bed, service("visible", services.SPEC), status)
    assert cells["Interface"] == "demo.CartService"
    assert cells["Registered"] == "0/3"
    assert cells["Ready"] == "False"
    assert cells["Reason"] == "NoReadyPods"
    assert cells["Message"] == "none is ready"
    assert cells["Registry"] == "default"


def test_columns_of_a_registry(bed: TestBed) -> None:
    """`kubectl get dreg` says whether the registry can be reached, and what is in it."""
    ready = {"type": "Ready", "status": "True", "reason": "Connected", "message": "to zk-0", **_TRANSITION}
    connected = {**ready, "type": "Connected"}
    status = {"services": 2, "providers": 30, "foreign": 1, "conditions": [ready, connected]}
    cells = _columns(bed, registry("visible", registries.SPEC), status)
    assert (cells["Connected"], cells["Ready"], cells["Reason"]) == ("True", "True", "Connected")
    assert (cells["Services"], cells["Providers"], cells["Foreign"]) == (2, 30, 1)
    assert cells["Root"] == "dubbo"


def _columns(bed: TestBed, manifest: Object, status: Object) -> dict[str, Any]:
    """Return what kubectl shows of an object with this status, by column."""
    plural = {"RegistryService": "registryservices", "Registry": "registries"}[manifest["kind"]]
    bed.api.create(manifest)
    try:
        bed.api.patch(manifest["kind"], "visible", {"status": status}, subresource="status")
        table = bed.api.request("GET", f"{_COLLECTION}/{plural}/visible", accept=_TABLE)
    finally:
        bed.api.delete(manifest["kind"], "visible")
    return dict(zip((column["name"] for column in table["columnDefinitions"]), table["rows"][0]["cells"], strict=True))
