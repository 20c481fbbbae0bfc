"""The plan: what to do so that a `providers` directory holds what it should. Pure.

    stands there           wanted                     not wanted
    nothing                create                     -
    ours                   keep                       delete, unless it is kept as it is
    ours, other mark       rewrite the mark           delete, unless it is kept as it is
    foreign                leave, report as taken     leave

A node whose parameters changed has another name for the same claim (service at an address). The new one is created
first, and the old one goes with the next plan: dubbo-go may hear of a deletion before a creation even when both are one
transaction, and would end the calls that are under way. For the same reason the old nodes of a service stay until the
next plan when all that is to be left of it is new: their port or selector changed. How long after each other plans
are carried out is `pace.py`. Creates come before deletes in any case, so that no reader ever sees fewer providers than
the smaller of the old and the new list has.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
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
    rewrites: tuple[Rewrite, ...] = ()
    deletes: tuple[Delete, ...] = ()
    succeeded: frozenset[str] = frozenset()
    """Names of ours that are to go with the next plan, when their successors stand: no step yet."""
    taken: frozenset[str] = frozenset()
    """Names that are wanted, and whose place a node has that is not to be touched: foreign, or kept."""

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to write."""
        return not (self.creates or self.rewrites or self.deletes)


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
        elif node.mark.pod_uid in wanted.kept.get(node.mark.service, ()):
            taken.update({name} & wanted.providers.keys())
            held.add(claim_of(name))
        elif name not in wanted.providers:
            leaving.append(name)
        elif node.mark != (mark := mark_of(wanted.providers[name], owner)):
            rewrites.append(Rewrite(name, mark))
    creates: list[Create] = []
    for name, provider in wanted.providers.items():
        if name in current:
            continue
        if provider.claim in held:
            taken.add(name)
        else:
            creates.append(Create(name, mark_of(provider, owner)))
    fresh = {step.name for step in creates}
    succeeded = _succeeded(leaving, wanted.providers, fresh=fresh, steady=current.keys() - fresh)
    return Plan(
        creates=tuple(creates),
        rewrites=tuple(rewrites),
        deletes=tuple(Delete(name) for name in leaving if name not in succeeded),
        succeeded=frozenset(succeeded),
        taken=frozenset(taken),
    )


def _succeeded(
    leaving: Iterable[str], wanted: Mapping[str, Provider], *, fresh: AbstractSet[str], steady: AbstractSet[str]
) -> frozenset[str]:
    """Return those that stay while their successors are fresh: one at the same address, or all that their service has.

    A service is a group and version here: what a consumer of the interface asks for.
    """
    successors = {wanted[name].claim for name in fresh & wanted.keys()}
    if not successors:
        return frozenset()
    replaced = {(claim.group, claim.version) for claim in successors}
    replaced -= {(wanted[name].group, wanted[name].version) for name in steady & wanted.keys()}
    claims = {name: claim for name in leaving if (claim := claim_of(name)) is not None}
    return frozenset(
        name for name, claim in claims.items() if claim in successors or (claim.group, claim.version) in replaced
    )


def mark_of(provider: Provider, owner: Owner) -> Mark:
    """Return the mark that the node of a provider carries."""
    return Mark(owner, provider.service, provider.service_uid, provider.pod_uid)
