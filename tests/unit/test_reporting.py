"""What authors are told: the laws of kstatus for all facts there can be, and the words for those that matter."""

import re
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubbo_registrar.conditions import Truth
from dubbo_registrar.expansion import Reason, Refusal
from dubbo_registrar.model import ObjectKey
from dubbo_registrar.reporting import RegistryFacts, Report, ServiceFacts, invalid, registry_report, service_report
from tests.unit.objects import registry, service

LAW = settings(max_examples=60)
REFUSALS = st.lists(
    st.builds(
        Refusal,
        st.builds(ObjectKey, st.just("shop"), st.sampled_from(["p1", "p2", "p3"]) | st.text("abc", max_size=2)),
        st.sampled_from(Reason),
        st.sampled_from(["short", "another", "long " * 2000]),
    ),
    max_size=20,
)
FACTS = st.builds(
    ServiceFacts,
    selected=st.integers(0, 2),
    ready=st.integers(0, 2),
    wanted=st.integers(0, 3),
    registered=st.integers(0, 3),
    refusals=REFUSALS,
)
REGISTRIES = st.builds(
    RegistryFacts,
    st.just("default"),
    exists=st.booleans(),
    root=st.just("dubbo"),
    problem=st.sampled_from(["", "", "no server answers", "no answer " * 1000]),
)
SERVICE_REPORTS = st.builds(
    lambda suspended, deleted, where, facts: service_report(
        service(suspended=suspended, deleted=deleted), where, facts
    ),
    st.just(value=False),
    st.booleans(),
    REGISTRIES,
    FACTS,
)
REGISTRY_REPORTS = st.builds(
    lambda deleted, **said: registry_report(registry(deleted=deleted), **said),
    st.booleans(),
    problem=st.sampled_from(["", "no access " * 1000]),
    connected=st.booleans(),
    services=st.integers(0, 2),
    owned=st.integers(0, 9),
    foreign=st.integers(0, 9),
)
REPORTS = st.one_of(SERVICE_REPORTS, REGISTRY_REPORTS, st.text(max_size=5).map(lambda text: invalid(text * 2000)))

FINE = ServiceFacts(selected=3, ready=3, wanted=3, registered=3, refusals=())
THERE = RegistryFacts("default", exists=True, root="dubbo")
POD = ObjectKey("shop", "cart-1")


def truths(report: Report) -> dict[str, Truth]:
    """Return the status of each condition."""
    return {condition.type: condition.status for condition in report.conditions}


def reason(report: Report, kind: str = "Ready") -> str:
    """Return the reason of a condition."""
    (found,) = (condition.reason for condition in report.conditions if condition.type == kind)
    return found


@LAW
@given(REPORTS)
def test_an_object_is_ready_or_waits_or_is_stuck(report: Report) -> None:
    """Exactly one of these is so, and `Reconciling` and `Stalled` are there only while they are true."""
    found = truths(report)
    states = [found["Ready"] is Truth.TRUE, "Reconciling" in found, "Stalled" in found]
    assert states.count(True) == 1
    assert all(found.get(kind, Truth.TRUE) is Truth.TRUE for kind in ("Reconciling", "Stalled"))


@LAW
@given(REPORTS)
def test_ready_sums_up(report: Report) -> None:
    """An object that is ready has no condition that is not true, and one that is stuck says why in the same words."""
    found = truths(report)
    if found["Ready"] is Truth.TRUE:
        assert set(found.values()) == {Truth.TRUE}
    else:
        outlook = "Stalled" if "Stalled" in found else "Reconciling"
        assert reason(report, outlook) == reason(report)


@LAW
@given(REPORTS)
def test_a_report_fits_into_the_schema(report: Report) -> None:
    """One condition of a type, reasons of one word, bounded messages and a bounded list."""
    assert len({condition.type for condition in report.conditions}) == len(report.conditions) <= 8
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]{0,63}", condition.reason) for condition in report.conditions)
    assert all(len(condition.message) <= 4096 for condition in report.conditions)
    listed = report.fields.get("notRegistered", [])
    assert len(listed) <= 10
    assert all(len(line["message"]) <= 512 for line in listed)


@LAW
@given(REGISTRIES, FACTS, st.randoms(use_true_random=False))
def test_the_same_facts_give_the_same_report(where: RegistryFacts, facts: ServiceFacts, order: Random) -> None:
    """The order in which refusals were found does not show."""
    shuffled = list(facts.refusals)
    order.shuffle(shuffled)
    again = service_report(service(), where, replace(facts, refusals=shuffled))
    assert again == service_report(service(), where, facts)


@LAW
@given(REGISTRIES, FACTS)
def test_a_suspended_service_is_not_ready(where: RegistryFacts, facts: ServiceFacts) -> None:
    """Whatever else is so, a suspended service is not called ready, and never both waiting and stuck."""
    found = truths(service_report(service(suspended=True), where, facts))
    assert found["Ready"] is Truth.FALSE
    assert not {"Reconciling", "Stalled"} <= found.keys()


def test_a_suspended_service_neither_waits_nor_is_stuck() -> None:
    """Suspension is what its author asked for."""
    report = service_report(service(suspended=True), THERE, FINE)
    assert reason(report) == "Suspended"
    assert not {"Reconciling", "Stalled"} & truths(report).keys()


def test_a_registered_service_is_ready() -> None:
    """With all providers registered everything is true, and the counts say so."""
    report = service_report(service(), THERE, FINE)
    assert set(truths(report).values()) == {Truth.TRUE}
    assert report.fields == {
        "registered": "3/3",
        "providers": {"selected": 3, "ready": 3, "wanted": 3, "registered": 3},
        "notRegistered": [],
    }


def without(*refused: Reason, **changes: Any) -> ServiceFacts:  # noqa: ANN401
    """Return the facts of a service with refusals."""
    return replace(FINE, refusals=[Refusal(POD, each, f"because of {each}") for each in refused], **changes)


@pytest.mark.parametrize(
    ("where", "facts", "said", "outlook"),
    [
        (RegistryFacts("gone", exists=False), FINE, "RegistryNotFound", "Stalled"),
        (replace(THERE, problem="no server answers"), FINE, "RegistryUnavailable", "Reconciling"),
        (THERE, ServiceFacts(0, 0, 0, 0, ()), "NoMatchingPods", "Reconciling"),
        (THERE, without(Reason.NOT_READY, ready=0, wanted=0, registered=0), "NoReadyPods", "Reconciling"),
        (THERE, without(Reason.PORT_NOT_FOUND, wanted=0, registered=0), "PortNotFound", "Stalled"),
        (THERE, without(Reason.UNUSABLE_URL, wanted=0, registered=0), "UnusableUrl", "Stalled"),
        (THERE, without(Reason.NO_ADDRESS, wanted=0, registered=0), "NoAddress", "Stalled"),
        (THERE, without(Reason.CONFLICT, wanted=2, registered=2), "Conflict", "Stalled"),
        (THERE, without(Reason.TAKEN, registered=2), "Taken", "Stalled"),
        (THERE, replace(FINE, registered=1), "Pending", "Reconciling"),
    ],
)
def test_what_keeps_a_service_from_being_ready_is_said(
    where: RegistryFacts, facts: ServiceFacts, said: str, outlook: str
) -> None:
    """Each obstacle has its reason, and is one that time may mend or one that a person has to."""
    report = service_report(service(), where, facts)
    assert (reason(report), reason(report, outlook)) == (said, said)


def test_pods_that_end_are_not_listed() -> None:
    """Termination is the ordinary end of a pod."""
    report = service_report(service(), THERE, without(Reason.TERMINATING))
    assert report.fields["notRegistered"] == []


def test_what_a_person_has_to_mend_is_listed_first() -> None:
    """Of twelve pods that wait and one that has no such port, the list of ten begins with the one."""
    waiting = [Refusal(ObjectKey("shop", f"cart-{n}"), Reason.NOT_READY, "not ready") for n in range(10, 22)]
    lacking = Refusal(ObjectKey("shop", "z"), Reason.PORT_NOT_FOUND, "no port")
    listed = service_report(service(), THERE, replace(FINE, refusals=[*waiting, lacking])).fields["notRegistered"]
    assert listed[0] == {"pod": "z", "reason": "PortNotFound", "message": "no port"}
    assert [line["pod"] for line in listed[1:]] == [f"cart-{n}" for n in range(10, 19)]


def test_a_pod_is_listed_once_for_a_reason() -> None:
    """Five interfaces that conflict are one line."""
    five = [Refusal(POD, Reason.CONFLICT, f"interface {n}") for n in range(5)]
    report = service_report(service(), THERE, replace(FINE, refusals=five))
    assert [line["message"] for line in report.fields["notRegistered"]] == ["interface 0"]


def test_an_unusable_object_says_why() -> None:
    """The problem stands in the condition that everybody looks at."""
    report = invalid("spec.selector: empty")
    assert {condition.message for condition in report.conditions} == {"spec.selector: empty"}
    assert reason(report, "Stalled") == "InvalidSpec"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "Connected"),
        ({"connected": False}, "Unavailable"),
        ({"connected": False, "problem": "no server answers"}, "Unavailable"),
        ({"problem": "no access"}, "WriteRefused"),
    ],
)
def test_a_registry_says_how_it_is(said: dict[str, Any], expected: str) -> None:
    """Connected, not connected, or connected and refusing."""
    facts: dict[str, Any] = {"problem": "", "connected": True, "services": 2, "owned": 5, "foreign": 1} | said
    report = registry_report(registry(), **facts)
    assert reason(report) == expected
    assert report.fields == {"services": 2, "providers": 5, "foreign": 1}


def test_a_registry_in_use_cannot_go() -> None:
    """The deletion of a Registry that services refer to waits for a person, and says for how many services."""
    report = registry_report(registry(deleted=True), problem="", connected=True, services=2, owned=5, foreign=1)
    (stalled,) = (condition for condition in report.conditions if condition.type == "Stalled")
    assert stalled.reason == "InUse"
    assert " 2 " in stalled.message
