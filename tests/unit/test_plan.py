"""The laws of the plan: what it makes of a directory, and what readers see on the way."""

from collections.abc import Mapping
from functools import reduce
from itertools import accumulate
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from dubbo_registrar.desired import Directory
from dubbo_registrar.dubbo.provider import claim_of
from dubbo_registrar.model import Mark, Node, Provider
from dubbo_registrar.plan import Create, Delete, Plan, Rewrite, plan
from tests.unit.objects import OURS, THEIRS, mark, providers

Nodes = Mapping[str, Node]
Step = Create | Rewrite | Delete

LAW = settings(max_examples=50)

VARIANTS = [list(providers(5, weight=weight).values()) for weight in (100, 50)]
"""Five claims, each under two names: the weight is another."""
EVERY = [provider for variant in VARIANTS for provider in variant]
KEPT_SERVICE = VARIANTS[0][0].service._replace(name="kept")


@st.composite
def marks(draw: st.DrawFn, provider: Provider) -> Mark | None:
    """Draw what stands in a node's data: our mark as it is or should not be, another owner's, none, a kept one."""
    right = mark(provider)
    another_pod = Mark(OURS, right.service, right.service_uid, "uid-of-another-pod")
    kept = Mark(OURS, KEPT_SERVICE, "uid-of-kept", right.pod_uid)
    return draw(st.sampled_from([right, right, another_pod, mark(provider, THEIRS), None, kept]))


@st.composite
def directories(draw: st.DrawFn) -> tuple[Directory, dict[str, Node]]:
    """Draw what should be in a directory and what stands there, strange names included."""
    wanted = [draw(st.sampled_from(pair)) for pair in zip(*VARIANTS, strict=True) if draw(st.booleans())]
    standing = {one.name: Node(one.name, draw(marks(one))) for one in EVERY if draw(st.booleans())}
    strange = {name: Node(name, draw(marks(EVERY[0]))) for name in ("strange", "%zz") if draw(st.booleans())}
    kept = {KEPT_SERVICE: frozenset(one.pod_uid for one in VARIANTS[0] if draw(st.booleans()))}
    return Directory({one.name: one for one in wanted}, (), kept), standing | strange


def made(wanted: Directory, current: Nodes) -> Plan:
    """Return the plan for a directory."""
    return plan(wanted=wanted, current=current, owner=OURS)


def done(nodes: Nodes, step: Step) -> Nodes:
    """Carry out one step as ZooKeeper would: a condition that is not met is an error."""
    after = dict(nodes)
    if isinstance(step, Rewrite | Delete):
        del after[step.name]
    if not isinstance(step, Delete):
        assert step.name not in after
        after[step.name] = Node(step.name, step.mark)
    return after


def applied(steps: Plan, current: Nodes) -> Nodes:
    """Carry out a plan."""
    every: list[Step] = [*steps.creates, *steps.rewrites, *steps.deletes]
    return reduce(done, every, current)


def settled(wanted: Directory, current: Nodes) -> Nodes:
    """Carry out the plan, and the one that follows once successors have stood for a while."""
    first = applied(made(wanted, current), current)
    return applied(made(wanted, first), first)


def untouchable(wanted: Directory, node: Node) -> bool:
    """Tell whether a node is foreign or kept."""
    return node.mark is None or node.mark.owner != OURS or node.mark.pod_uid in wanted.kept.get(node.mark.service, ())


@LAW
@given(directories())
def test_a_plan_makes_what_is_wanted_beside_what_is_not_to_be_touched(drawn: tuple[Directory, dict[str, Node]]) -> None:
    """Afterwards foreign and kept nodes are as before; beside them is what is wanted and not taken, rightly marked."""
    wanted, current = drawn
    steps = made(wanted, current)
    after = settled(wanted, current)
    spared = {name: node for name, node in current.items() if untouchable(wanted, node)}
    expected = {name: Node(name, mark(wanted.providers[name])) for name in wanted.providers.keys() - steps.taken}
    assert after == expected | spared


@LAW
@given(directories())
def test_only_places_of_untouchable_nodes_are_taken(drawn: tuple[Directory, dict[str, Node]]) -> None:
    """A wanted name is taken when such a node has it, or when one that is kept has its claim; otherwise never."""
    wanted, current = drawn
    kept = {name: node for name, node in current.items() if node.mark is not None and node.mark.owner == OURS}
    held = {claim_of(name) for name, node in kept.items() if untouchable(wanted, node)}
    expected = {
        name
        for name, provider in wanted.providers.items()
        if (untouchable(wanted, current[name]) if name in current else provider.claim in held)
    }
    assert made(wanted, current).taken == expected


@LAW
@given(directories(), st.randoms(use_true_random=False))
def test_no_reader_sees_fewer_than_before_or_after(drawn: tuple[Directory, dict[str, Node]], order: Random) -> None:
    """After each step, in any order of what adds, a reader finds at least the smaller of the old and the new number."""
    wanted, current = drawn
    steps = made(wanted, current)
    growing: list[Step] = [*steps.creates, *steps.rewrites]
    order.shuffle(growing)
    before: Nodes = current
    seen = list(accumulate([*growing, *steps.deletes], done, initial=before))
    assert min(map(len, seen)) == min(len(current), len(seen[-1]))


@LAW
@given(directories())
def test_nothing_is_left_to_do_afterwards(drawn: tuple[Directory, dict[str, Node]]) -> None:
    """The plan for what plans made is empty."""
    wanted, current = drawn
    assert made(wanted, settled(wanted, current)).empty


@LAW
@given(directories())
def test_what_is_not_ours_is_not_touched(drawn: tuple[Directory, dict[str, Node]]) -> None:
    """Foreign nodes, damaged marks and kept nodes are in no step that deletes or rewrites."""
    wanted, current = drawn
    steps = made(wanted, current)
    hit = {
        *(step.name for step in steps.deletes),
        *(step.name for step in steps.rewrites),
    }
    assert not [name for name in hit if untouchable(wanted, current[name])]


@LAW
@given(directories())
def test_a_claim_is_never_without_a_node(drawn: tuple[Directory, dict[str, Node]]) -> None:
    """What is deleted has no successor in the same plan; what is left for that goes with the next plan."""
    wanted, current = drawn
    steps = made(wanted, current)
    created = {claim_of(step.name) for step in steps.creates}
    assert not created & {claim_of(step.name) for step in steps.deletes}

    again = made(wanted, applied(steps, current))
    assert steps.succeeded <= {step.name for step in again.deletes}


@LAW
@given(directories(), st.randoms(use_true_random=False))
def test_the_order_of_the_nodes_does_not_matter(drawn: tuple[Directory, dict[str, Node]], order: Random) -> None:
    """The same directory gives the same result, in whatever order its nodes were listed."""
    wanted, current = drawn
    names = list(current)
    order.shuffle(names)
    shuffled = {name: current[name] for name in names}
    assert applied(made(wanted, shuffled), shuffled) == applied(made(wanted, current), current)
    assert made(wanted, current) == made(wanted, dict(current))


def test_a_changed_parameter_is_a_successor_beside_the_old_node() -> None:
    """Another weight at the same address is a create; the old node goes with the next plan."""
    wanted = providers(1, weight=50)
    (old,), (new,) = providers(1, weight=100).values(), wanted.values()
    directory = Directory(wanted, (), {})
    before = {old.name: Node(old.name, mark(old))}
    first = made(directory, before)
    assert first == Plan(creates=(Create(new.name, mark(new)),), succeeded=frozenset({old.name}))

    assert made(directory, applied(first, before)) == Plan(deletes=(Delete(old.name),))


def test_nodes_stay_while_all_of_their_service_is_new() -> None:
    """Other addresses, all at once: a reader that heard of the deletions first would have nobody left to call."""
    everyone = providers(4)
    old, new = ({name: everyone[name] for name in names} for names in (list(everyone)[:2], list(everyone)[2:]))
    before = {name: Node(name, mark(provider)) for name, provider in old.items()}
    first = made(Directory(new, (), {}), before)
    assert (len(first.creates), first.deletes, first.succeeded) == (2, (), frozenset(old))

    assert {step.name for step in made(Directory(new, (), {}), applied(first, before)).deletes} == set(old)


def test_nodes_go_at_once_where_others_of_their_service_stay() -> None:
    """A pod that comes as another goes is no reason to wait while a third one stays."""
    wanted = providers(3)
    leaving, staying, _ = wanted
    before = {name: Node(name, mark(wanted[name])) for name in (leaving, staying)}
    del wanted[leaving]
    steps = made(Directory(wanted, (), {}), before)
    assert (len(steps.creates), steps.deletes, steps.succeeded) == (1, (Delete(leaving),), frozenset())


def test_another_pod_at_an_address_takes_its_node_over() -> None:
    """A pod that was recreated with the same URL gets the node of the former one by a new mark: readers see nothing."""
    (provider,) = providers(1).values()
    former = Mark(OURS, provider.service, provider.service_uid, "uid-of-the-former-pod")
    steps = made(Directory({provider.name: provider}, (), {}), {provider.name: Node(provider.name, former)})
    assert steps == Plan(rewrites=(Rewrite(provider.name, mark(provider)),))
