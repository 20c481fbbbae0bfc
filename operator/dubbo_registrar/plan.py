"""The plan: what to do so that a `providers` directory holds what it should. Pure: compares two states and touches nothing.

    current \\ desired      wanted                     not wanted
    absent                 create                     -
    ours                   keep                       delete (or held by a brake)
    ours, other mark       rewrite the mark           delete (or held by a brake)
    foreign                leave, report as taken     leave

A create and a delete of the same claim (service at an address) are one replace: both happen in one transaction, because dubbo-go
keeps an invoker by its address and applies an add before a delete. Creates and replaces come before plain deletes, so that no
reader ever sees fewer providers than the smaller of the old and the new list has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dubbo_registrar.model import Mark, Node, Owner


@dataclass(frozen=True, slots=True)
class Create:
    """A node to create with its mark."""

    name: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Replace:
    """A node to delete and one to create in its place, in one transaction."""

    old: str
    name: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A node that stays and gets another mark."""

    name: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Delete:
    """A node of ours to delete."""

    name: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do in one `providers` directory, in this order."""

    creates: tuple[Create, ...] = ()
    replaces: tuple[Replace, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    deletes: tuple[Delete, ...] = ()
    held: tuple[Delete, ...] = ()
    """Deletes that a brake holds back: not carried out, reported."""
    taken: frozenset[str] = frozenset()
    """Names that are wanted and that somebody else's node has."""

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to write."""
        return not (self.creates or self.replaces or self.rewrites or self.deletes)


Brake = Callable[[Plan], Plan]
"""Takes a plan and returns it with some of its deletes moved to `held`. It never adds or drops anything."""


def hold_all_deletes(plan: Plan) -> Plan:
    """Hold every delete: the brake while the view of Kubernetes is not complete."""
    return Plan(plan.creates, plan.replaces, plan.rewrites, (), plan.held + plan.deletes, plan.taken)
