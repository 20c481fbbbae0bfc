"""The conditions in an object's status, as kstatus and kubectl read them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_MESSAGE = 32768
"""The API server refuses conditions with a longer message (`metav1.Condition`)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What holds of an object, and why, seen at one generation of its spec."""

    type: str
    status: bool | None
    """True, false, or None for unknown."""
    reason: str
    """One word in CamelCase, for programs."""
    message: str
    """For people: what is the matter and what to do about it."""
    observed_generation: int


def merge(former: object, conditions: Iterable[Condition], *, now: str) -> list[dict[str, Any]]:
    """Return the list for the status: these conditions and no others, in this order.

    A condition keeps the `lastTransitionTime` that it has in `former` (the list in the object, or whatever is there)
    while its status stays the same; otherwise it is `now`, in RFC 3339.
    """
    known = {
        entry["type"]: entry
        for entry in (former if isinstance(former, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("type"), str)
    }
    return [_entry(condition, known.get(condition.type, {}), now) for condition in conditions]


def _entry(condition: Condition, former: Mapping[str, Any], now: str) -> dict[str, Any]:
    status = {True: "True", False: "False", None: "Unknown"}[condition.status]
    since = former.get("lastTransitionTime") if former.get("status") == status else None
    return {
        "type": condition.type,
        "status": status,
        "reason": condition.reason,
        "message": condition.message[:_LONGEST_MESSAGE],
        "observedGeneration": condition.observed_generation,
        "lastTransitionTime": since or now,
    }
