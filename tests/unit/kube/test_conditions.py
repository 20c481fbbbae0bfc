"""Conditions as they go into an object's status."""

import pytest

from dubbo_registrar.kube.conditions import Condition, merge

READY = Condition("Ready", True, "AllRegistered", "3 of 3 pods are registered", 7)  # noqa: FBT003 - the status itself
FORMER = {
    "type": "Ready",
    "status": "True",
    "reason": "Former",
    "message": "2 of 2",
    "observedGeneration": 6,
    "lastTransitionTime": "2026-11-21T07:00:00Z",
}


def test_new_condition() -> None:
    """A condition that was not there begins now."""
    assert merge(None, [READY], now="2026-11-21T08:00:00Z") == [
        {
            "type": "Ready",
            "status": "True",
            "reason": "AllRegistered",
            "message": "3 of 3 pods are registered",
            "observedGeneration": 7,
            "lastTransitionTime": "2026-11-21T08:00:00Z",
        }
    ]


def test_same_status_keeps_its_time() -> None:
    """Another reason, message or generation is no transition."""
    (entry,) = merge([FORMER], [READY], now="2026-11-21T08:00:00Z")

    assert entry["lastTransitionTime"] == "2026-11-21T07:00:00Z"
    assert entry["reason"] == "AllRegistered"


@pytest.mark.parametrize(("status", "text"), [(False, "False"), (None, "Unknown")])
def test_other_status_begins_now(status: bool | None, text: str) -> None:  # noqa: FBT001 - the status itself
    """Another status is a transition."""
    (entry,) = merge([FORMER], [Condition("Ready", status, "R", "m", 7)], now="2026-11-21T08:00:00Z")

    assert (entry["status"], entry["lastTransitionTime"]) == (text, "2026-11-21T08:00:00Z")


def test_absent_conditions_go() -> None:
    """Conditions that are not set any more are not in the list."""
    former = [{**FORMER, "type": "Stalled"}, FORMER]

    assert [entry["type"] for entry in merge(former, [READY], now="now")] == ["Ready"]


@pytest.mark.parametrize("former", [None, {}, "text", [None, 5, {}, {"type": {}}], [{"type": "Ready"}]])
def test_odd_former_lists(former: object) -> None:
    """Whatever stands where the list should be, the new list is right."""
    (entry,) = merge(former, [READY], now="2026-11-21T08:00:00Z")

    assert entry["lastTransitionTime"] == "2026-11-21T08:00:00Z"


def test_long_message() -> None:
    """A message is cut to the length that the API server takes."""
    (entry,) = merge([], [Condition("Ready", False, "R", "x" * 40000, 1)], now="now")  # noqa: FBT003 - the status itself

    assert len(entry["message"]) == 32768
