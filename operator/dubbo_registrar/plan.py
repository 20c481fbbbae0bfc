"""The plan: what to do so that a `providers` directory holds what it should. Pure.

    stands there           wanted                     not wanted
    nothing                create                     -
    ours                   leave                      delete
    ours, other mark       rewrite the mark           delete
    ours, to be kept       leave, report as taken     leave
    foreign                leave, report as taken     leave

A create and a delete of the same claim (service at an address) are one replace: both happen in one transaction, because
dubbo-go keeps an invoker by its address and applies an add before a delete. Creates and replaces come before plain
deletes, so that no reader ever sees fewer providers than the smaller of the old and the new list has.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dubbo_registrar.desired import Directory
from dubbo_registrar.dubbo.provider import claim_of
from dubbo_registrar.model import Claim, Mark, Node, Owner, Provider


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
    taken: frozenset[str] = frozenset()
    """Names that are wanted, and whose place a node has that is not to be touched: foreign, or kept."""

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to write."""
        return not (self.creates or self.replaces or self.rewrites or self.deletes)


def plan(*, wanted: Directory, current: Mapping[str, Node], owner: Owner) -> Plan:
    """Return what makes a directory's nodes (`current`, by name) those that are wanted, touching only the owner's own.

    Nodes of the services and pods that `wanted.kept` names stay as they are, and nobody else gets what they claim.
    """
    rewrites: list[Rewrite] = []
    taken: set[str] = set()
    leaving: list[str] = []
    held: set[Claim | None] = set()
    for name, node in current.items():
        if node.mark is None or node.mark.owner != owner:
            taken.update({name} & wanted.providers.keys())
        elif (node.mark.service, node.mark.pod_uid) in wanted.kept:
            taken.update({name} & wanted.providers.keys())
            held.add(claim_of(name))
        elif name not in wanted.providers:
            leaving.append(name)
        elif node.mark != (mark := mark_of(wanted.providers[name], owner)):
            rewrites.append(Rewrite(name, mark))
    places = {claim: name for name in leaving if (claim := claim_of(name)) is not None}
    creates: list[Create] = []
    replaces: dict[str, Replace] = {}
    for name, provider in wanted.providers.items():
        mark = mark_of(provider, owner)
        if name in current:
            continue
        if provider.claim in held:
            taken.add(name)
        elif provider.claim in places:
            old = places.pop(provider.claim)
            replaces[old] = Replace(old, name, mark)
        else:
            creates.append(Create(name, mark))
    return Plan(
        creates=tuple(creates),
        replaces=tuple(replaces.values()),
        rewrites=tuple(rewrites),
        deletes=tuple(Delete(name) for name in leaving if name not in replaces),
        taken=frozenset(taken),
    )


def mark_of(provider: Provider, owner: Owner) -> Mark:
    """Return the mark that the node of a provider carries."""
    return Mark(owner, provider.service, provider.service_uid, provider.pod_uid)
