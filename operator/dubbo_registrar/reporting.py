"""What the authors of a RegistryService or a Registry are told: conditions, counts, missing pods. Pure.

The conditions follow the API conventions and kstatus: `Ready` sums up, `Stalled` is there while only a person can help,
`Reconciling` while time alone may. Writing them to the API server is `kube/status.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dubbo_registrar.conditions import Condition, Truth
from dubbo_registrar.expansion import Reason, Refusal
from dubbo_registrar.model import Registry, Service

_SHOWN = 10
_MESSAGE_LENGTH = 512
_CONDITION_MESSAGE_LENGTH = 4096

_PASSING = frozenset({Reason.TERMINATING})
"""Reasons that are the ordinary end of a pod and are not worth a line."""
_AUTHOR = {Reason.PORT_NOT_FOUND, Reason.UNUSABLE_URL, Reason.CONFLICT, Reason.TAKEN, Reason.NO_ADDRESS}
"""Reasons that do not pass by themselves; shown first."""
_WAITING = frozenset(
    {"NoReadyPods", "NoMatchingPods", "Pending", "Removing", "RegistryUnavailable", "Unavailable", "WriteRefused"}
)
"""Reasons of a condition that may pass by themselves."""


@dataclass(frozen=True, slots=True)
class Report:
    """The status of one object, but for the times of its conditions."""

    conditions: tuple[Condition, ...]
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RegistryFacts:
    """What is known of the registry that a service is published in."""

    name: str
    exists: bool
    root: str = ""
    problem: str = ""
    """Why it cannot be written now, in one line, or an empty string."""
    refused: str = ""
    """Why it refuses a write that the service needs, in one line, or an empty string."""


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What is known of a service's pods and providers."""

    selected: int
    ready: int
    wanted: int
    registered: int
    refusals: Sequence[Refusal]


def invalid(problem: str) -> Report:
    """Return the status of an object that cannot be used as it is."""
    return Report(
        _bounded(
            Condition("Accepted", Truth.FALSE, "InvalidSpec", problem),
            Condition("Ready", Truth.FALSE, "InvalidSpec", problem),
            Condition("Stalled", Truth.TRUE, "InvalidSpec", problem),
        ),
        {},
    )


def service_report(service: Service, registry: RegistryFacts, facts: ServiceFacts) -> Report:
    """Return the status of a service that was accepted."""
    # In one order, whatever order the pods came in: the same facts give the same status.
    facts = replace(facts, refusals=sorted(facts.refusals, key=_urgency))
    accepted = Condition("Accepted", Truth.TRUE, "Accepted", "the spec can be used")
    resolved = _resolved(service, registry, facts)
    registered = _registered(service, registry, facts)
    first_bad = next((c for c in (resolved, registered) if c.status is not Truth.TRUE), None)
    ready = first_bad or registered
    conditions = [
        accepted,
        resolved,
        registered,
        Condition("Ready", ready.status if first_bad else Truth.TRUE, ready.reason, ready.message),
    ]
    if first_bad and first_bad.reason != "Suspended":
        conditions.append(_outlook(first_bad))
    fields = {
        "registered": f"{facts.registered}/{facts.wanted}",
        "providers": {
            "selected": facts.selected,
            "ready": facts.ready,
            "wanted": facts.wanted,
            "registered": facts.registered,
        },
        "notRegistered": _not_registered(facts.refusals),
    }
    return Report(_bounded(*conditions), fields)


def registry_report(
    registry: Registry, *, problem: str, connected: bool, services: int, owned: int, foreign: int
) -> Report:
    """Return the status of a registry."""
    servers = ", ".join(registry.hosts)
    accepted = Condition("Accepted", Truth.TRUE, "Accepted", "the spec can be used")
    if connected:
        link = Condition("Connected", Truth.TRUE, "Connected", f"connected to {servers}")
    else:
        link = Condition("Connected", Truth.FALSE, "Unavailable", problem or f"connecting to {servers}")
    in_use = f"deletion waits: {services} RegistryServices refer to this Registry; delete them or point them elsewhere"
    obstacles = (
        (registry.deleted and services > 0, "InUse", in_use),
        (not connected, link.reason, link.message),
        (bool(problem), "WriteRefused", problem),
    )
    ready = replace(_judge("Connected", obstacles, otherwise=link.message), type="Ready")
    conditions = [accepted, link, ready]
    if ready.status is not Truth.TRUE:
        conditions.append(_outlook(ready))
    return Report(_bounded(*conditions), {"services": services, "providers": owned, "foreign": foreign})


def _resolved(service: Service, registry: RegistryFacts, facts: ServiceFacts) -> Condition:
    """Say whether the registry, the pods and their ports were found."""
    lacking = _first(facts.refusals, Reason.PORT_NOT_FOUND, Reason.UNUSABLE_URL, Reason.NO_ADDRESS)
    obstacles = (
        (
            not registry.exists,
            "RegistryNotFound",
            f"the operator's namespace has no Registry named {registry.name!r}; create it, or change spec.registryRef",
        ),
        (
            not facts.selected,
            "NoMatchingPods",
            f"no pod in namespace {service.key.namespace} has the labels of spec.selector",
        ),
        (lacking is not None, lacking.reason if lacking else "", _about(lacking)),
        (not facts.ready, "NoReadyPods", f"none of the {facts.selected} selected pods is ready"),
    )
    fine = f"{facts.ready} of {facts.selected} selected pods are ready"
    return _judge("Resolved", obstacles, otherwise=fine)


def _registered(service: Service, registry: RegistryFacts, facts: ServiceFacts) -> Condition:
    """Say whether the registry holds what it should."""
    held = f"{facts.registered} of {facts.wanted} providers are registered"
    unfinished = service.deleted or facts.registered < facts.wanted
    lost = _first(facts.refusals, Reason.CONFLICT, Reason.TAKEN)
    obstacles = (
        (not registry.exists, "RegistryNotFound", f"there is no Registry named {registry.name!r}"),
        (bool(registry.problem), "RegistryUnavailable", f"{held}; {registry.problem}"),
        (unfinished and bool(registry.refused), "WriteRefused", f"{held}; {registry.refused}"),
        (service.deleted, "Removing", "the providers are being removed"),
        (
            service.suspended,
            "Suspended",
            "spec.suspend is set: nothing is added or changed; only nodes of pods that are gone are removed",
        ),
        (lost is not None, lost.reason if lost else "", f"{_about(lost)}; {held}"),
        (facts.registered < facts.wanted, "Pending", held),
    )
    return _judge("Registered", obstacles, otherwise=f"{held} below /{registry.root}")


def _judge(kind: str, obstacles: Iterable[tuple[bool, str, str]], *, otherwise: str) -> Condition:
    """Return the condition that the first obstacle which is there makes False."""
    for present, reason, message in obstacles:
        if present:
            return Condition(kind, Truth.FALSE, reason, message)
    return Condition(kind, Truth.TRUE, kind, otherwise)


def _first(refusals: Iterable[Refusal], *reasons: Reason) -> Refusal | None:
    return next((refusal for refusal in refusals if refusal.reason in reasons), None)


def _about(refusal: Refusal | None) -> str:
    return f"pod {refusal.pod.name}: {refusal.message}" if refusal else ""


def _outlook(bad: Condition) -> Condition:
    """Say whether waiting may help (Reconciling) or a person has to act (Stalled)."""
    kind = "Reconciling" if bad.reason in _WAITING else "Stalled"
    return Condition(kind, Truth.TRUE, bad.reason, bad.message)


def _urgency(refusal: Refusal) -> tuple[bool, Refusal]:
    """Order refusals: what only a person can mend first, then by pod, reason and message."""
    return refusal.reason not in _AUTHOR, refusal


def _bounded(*conditions: Condition) -> tuple[Condition, ...]:
    """Return conditions with messages no longer than the schema allows."""
    return tuple(replace(each, message=each.message[:_CONDITION_MESSAGE_LENGTH]) for each in conditions)


def _not_registered(refusals: Iterable[Refusal]) -> list[dict[str, str]]:
    """Return a short list of pods that are not registered, one line for each pod and reason."""
    first: dict[tuple[str, str], Refusal] = {}
    for refusal in refusals:
        if refusal.reason not in _PASSING:
            first.setdefault((refusal.pod.name, refusal.reason), refusal)
    return [
        {"pod": refusal.pod.name, "reason": str(refusal.reason), "message": refusal.message[:_MESSAGE_LENGTH]}
        for refusal in list(first.values())[:_SHOWN]
    ]
