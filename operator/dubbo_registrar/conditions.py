"""Conditions in the status of an object, as the Kubernetes API conventions have them. Pure: the time is passed in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Truth(StrEnum):
    """The status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One statement about an object: what it is about, whether it holds, why in one word, and why in a sentence."""

    type: str
    status: Truth
    reason: str
    message: str


def merged(
    former: Iterable[Mapping[str, Any]], now: Iterable[Condition], *, generation: int, at: str
) -> list[dict[str, Any]]:
    """Return the conditions to show, in the form of the API.

    A condition whose status is as it was keeps the time of its last transition; any other gets `at` (RFC 3339). A
    former condition that is not stated any more is left out.
    """
    known = {str(condition.get("type")): condition for condition in former}
    return [
        {
            "type": condition.type,
            "status": str(condition.status),
            "reason": condition.reason,
            "message": condition.message,
            "observedGeneration": generation,
            "lastTransitionTime": _transition(known.get(condition.type, {}), condition, at),
        }
        for condition in now
    ]


def _transition(former: Mapping[str, Any], condition: Condition, at: str) -> str:
    time = former.get("lastTransitionTime")
    return str(time) if time and former.get("status") == condition.status else at
