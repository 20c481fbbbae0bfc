"""What is desired depends on what there is, not on the order in which it came, and no change of it is missed."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from dubbo_registrar.desired import Desired, Directory
from dubbo_registrar.expansion import Reason
from dubbo_registrar.model import Interface, ObjectKey, Pod, Protocol, Service
from tests.unit.objects import CART, STARTED, STOCK, desired, labelled, pod, service

PLACES = [(registry, interface) for registry in ("default", "other") for interface in (CART, STOCK)]
POD_KEYS = [ObjectKey("shop", "p1"), ObjectKey("shop", "p2"), ObjectKey("shop", "p3"), ObjectKey("bank", "p1")]
SERVICE_KEYS = [ObjectKey("shop", "s1"), ObjectKey("shop", "s2"), ObjectKey("bank", "s1")]

PODS = st.builds(
    lambda key, life, app, **said: pod(
        key=key, uid=f"{key}-{life}", created_at=STARTED + life, labels={"app": app}, **said
    ),
    st.sampled_from(POD_KEYS),
    life=st.integers(1, 2),
    app=st.sampled_from(["cart", "cart", "stock"]),
    phase=st.sampled_from(["Running", "Running", "Running", "Failed"]),
    ready=st.sampled_from([True, True, False]),
    terminating=st.sampled_from([False, False, False, True]),
    addresses=st.sampled_from([("10.64.0.1",), ("10.64.0.2",), ()]),
)
SERVICES = st.builds(
    lambda key, life, app, interfaces, **said: service(
        key=key, uid=f"{key}-{life}", selector=labelled(app), interfaces=tuple(sorted(interfaces)), **said
    ),
    st.sampled_from(SERVICE_KEYS),
    life=st.integers(1, 2),
    app=st.sampled_from(["cart", "cart", "stock"]),
    interfaces=st.sets(st.sampled_from([CART, STOCK]), min_size=1),
    created_at=st.sampled_from([STARTED, STARTED + 1]),
    registry=st.sampled_from(["default", "default", "other"]),
    suspended=st.sampled_from([False, False, True]),
    deleted=st.sampled_from([False, False, False, True]),
    parameters=st.sampled_from([{}, {"weight": "50"}]),
    protocols=st.sampled_from([(Protocol("dubbo", 20880),), (Protocol("dubbo", "rpc"),), (Protocol("dubbo", "none"),)]),
)


def contents(state: Desired) -> dict[tuple[str, str], Directory]:
    """Return what should be in each directory."""
    return {place: state.directory(*place) for place in PLACES}


class Changes(RuleBasedStateMachine):
    """Any sequence of changes against the same state built afresh."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Desired()
        self.pods: dict[ObjectKey, Pod] = {}
        self.services: dict[ObjectKey, Service] = {}
        self.unusable: set[ObjectKey] = set()
        self.before = contents(self.state)

    @rule(new=PODS)
    def put_pod(self, new: Pod) -> None:
        """A pod is new or changed."""
        self.pods[new.key] = new
        self.check(self.state.put_pod(new), set())

    @rule(key=st.sampled_from(POD_KEYS))
    def drop_pod(self, key: ObjectKey) -> None:
        """A pod is gone."""
        self.pods.pop(key, None)
        self.check(self.state.drop_pod(key), set())

    @rule(new=SERVICES)
    def put_service(self, new: Service) -> None:
        """A service is new or changed."""
        self.services[new.key] = new
        self.unusable.discard(new.key)
        self.check({new.key}, self.state.put_service(new))

    @rule(key=st.sampled_from(SERVICE_KEYS))
    def keep(self, key: ObjectKey) -> None:
        """The object of a service cannot be used."""
        self.unusable.add(key)
        self.check({key}, self.state.keep(key))

    @rule(key=st.sampled_from(SERVICE_KEYS))
    def drop_service(self, key: ObjectKey) -> None:
        """A service is gone."""
        self.services.pop(key, None)
        self.unusable.discard(key)
        self.check({key}, self.state.drop_service(key))

    def check(self, concerned: set[ObjectKey], touched: set[tuple[str, str]]) -> None:
        """Every directory that changed was named: itself, by a service listed in it, or by one whose nodes are kept."""
        after = contents(self.state)
        listed = {
            (each.registry, interface.name)
            for key in concerned
            if (each := self.state.service(key)) is not None
            for interface in each.interfaces
        }
        for place, now in after.items():
            then = self.before[place]
            if (then.providers, then.refusals) != (now.providers, now.refusals):
                assert place in touched | listed
            keepers = then.kept.keys() | now.kept.keys()
            assert {key for key in keepers if then.kept.get(key, ()) != now.kept.get(key, ())} <= concerned
        self.before = after

    @invariant()
    def same_as_afresh(self) -> None:
        """The state is what it would be had everything been heard of just now."""
        afresh = desired(*self.pods.values(), *self.services.values())
        for key in self.unusable:
            afresh.keep(key)
        assert contents(self.state) == contents(afresh)
        for key in SERVICE_KEYS:
            assert expansions(self.state, key) == expansions(afresh, key)
        for registry in ("default", "other"):
            assert self.state.directories(registry) == afresh.directories(registry)


def expansions(state: Desired, key: ObjectKey) -> dict[ObjectKey, Any]:
    """Return what the pods of a service provide, by pod."""
    return {each.pod.key: each for each in state.expansions(key)}


def test_changes_come_to_the_same_as_the_final_state_alone() -> None:
    """Any changes in any order come to the same as the final state alone, and name every directory they changed."""
    run_state_machine_as_test(Changes, settings=settings(max_examples=25, stateful_step_count=20))


@settings(max_examples=30)
@given(st.lists(st.one_of(PODS, SERVICES), max_size=10, unique_by=lambda one: (type(one), one.key)), st.randoms())
def test_the_order_of_arrival_does_not_matter(things: list[Pod | Service], order: Any) -> None:  # noqa: ANN401
    """Pods and services in any order come to the same directories."""
    shuffled = list(things)
    order.shuffle(shuffled)
    assert contents(desired(*shuffled)) == contents(desired(*things))


def holders(*things: Service | Pod) -> set[tuple[str, str]]:
    """Return service and pod of each provider of the cart."""
    directory = desired(*things).directory("default", CART)
    return {(each.service.name, each.pod.name) for each in directory.providers.values()}


def test_the_older_of_two_services_wins() -> None:
    """Of two services that claim an address the older has it, whichever came first; the younger is told by whom."""
    older, younger = service("b", created_at=STARTED), service("a", created_at=STARTED + 1)
    assert holders(older, younger, pod()) == holders(pod(), younger, older) == {("b", "cart-1")}
    ((loser, refusal),) = desired(younger, older, pod()).directory("default", CART).refusals
    assert loser == younger.key
    assert refusal.reason is Reason.CONFLICT
    assert "shop/b" in refusal.message


def test_the_uid_breaks_a_tie() -> None:
    """Of services, and of pods, that are of the same age the one with the smallest uid wins."""
    services = [service(f"s{uid}", uid=str(uid)) for uid in range(9, 0, -1)]
    assert holders(*services, pod()) == holders(*reversed(services), pod()) == {("s1", "cart-1")}
    pods = [pod("second", uid="2"), pod("first", uid="1")]
    assert holders(service(), *pods) == holders(service(), *reversed(pods)) == {("cart", "first")}


def test_a_service_that_moves_concerns_where_it_was_and_where_it_is() -> None:
    """Both directories are named when a service changes interface or registry, and the former when it goes."""
    state = desired(service())
    assert state.put_service(service(interfaces=(STOCK,))) == {("default", CART), ("default", STOCK)}
    assert state.put_service(service(registry="other")) == {("default", STOCK), ("other", CART)}
    assert state.drop_service(service().key) == {("other", CART)}


def test_another_group_or_version_is_another_claim() -> None:
    """Services that list an address under different groups or versions do not get in each other's way."""
    eu = service("eu", interfaces=(), suspended=False)
    eu = replace(eu, interfaces=(Interface(CART, group="eu"),))
    two = replace(eu, key=ObjectKey("shop", "two"), uid="2", interfaces=(Interface(CART, version="2.0.0"),))
    assert holders(eu, two, service(), pod()) == {("eu", "cart-1"), ("two", "cart-1"), ("cart", "cart-1")}


def test_two_host_network_pods_with_one_port_are_a_conflict() -> None:
    """Of two pods at one address the older is registered, and the other is said to be in conflict with it."""
    first = pod("first", host="10.0.0.1", host_network=True, node="n1", created_at=STARTED)
    second = pod("second", host="10.0.0.1", host_network=True, node="n1", created_at=STARTED + 1)
    assert holders(service(), second, first) == {("cart", "first")}
    ((_, refusal),) = desired(service(), first, second).directory("default", CART).refusals
    assert (refusal.pod.name, refusal.reason) == ("second", Reason.CONFLICT)
    assert "shop/first" in refusal.message


def test_a_deleted_service_wants_nothing() -> None:
    """A service with a deletionTimestamp has no providers and keeps no nodes, even when it is suspended."""
    directory = desired(service(deleted=True, suspended=True), pod()).directory("default", CART)
    assert directory == Directory({}, (), {})


def test_a_deleted_service_gives_its_claims_up() -> None:
    """The younger service gets the address once the older is being deleted."""
    assert holders(service("a", deleted=True), service("b", created_at=STARTED + 1), pod()) == {("b", "cart-1")}


def test_a_suspended_service_keeps_the_nodes_of_living_pods_only() -> None:
    """Nothing is wanted for a suspended service; the nodes of its pods stay: ready or not, but not once they end."""
    pods = [
        pod("ready"),
        pod("unready", ready=False),
        pod("terminating", terminating=True),
        pod("finished", phase="Succeeded"),
    ]
    directory = desired(service(suspended=True), *pods).directory("default", CART)
    assert directory.providers == {}
    assert directory.kept == {service().key: {"uid-of-shop-ready", "uid-of-shop-unready"}}


def test_a_suspended_service_keeps_nodes_in_directories_that_it_left() -> None:
    """Suspended with another interface or registry than before, it still keeps what stands where it was."""
    state = desired(service(), pod())
    state.put_service(service(interfaces=(STOCK,), registry="other", suspended=True))
    assert state.directory("default", CART).kept == {service().key: {pod().uid}}


def test_the_services_that_keep_nodes_share_what_lives() -> None:
    """The pods of a namespace are not gone through once more for each service that cannot be used."""
    state = desired(pod())
    for name in ("bad", "worse"):
        state.keep(ObjectKey("shop", name))
    kept = state.directory("default", CART).kept
    assert kept[ObjectKey("shop", "bad")] is kept[ObjectKey("shop", "worse")]


def test_a_service_that_was_never_usable_keeps_nodes() -> None:
    """After a restart with an object that cannot be used, the nodes of the namespace's living pods stay."""
    state = desired(pod(), pod(namespace="bank"))
    assert state.keep(service().key) == set()
    assert state.keeps(service().key)
    assert state.directory("default", CART).kept == {service().key: {pod().uid}}
    assert state.drop_pod(pod().key) == {service().key}


def test_a_service_is_kept_until_it_can_be_used_again() -> None:
    """What a service wanted is neither wanted nor deleted while its object cannot be used, and wanted again after."""
    state = desired(service(), pod())
    assert state.keep(service().key) == {("default", CART)}
    assert state.directory("default", CART) == Directory({}, (), {service().key: frozenset({pod().uid})})
    state.put_service(service())
    assert contents(state) == contents(desired(service(), pod()))
