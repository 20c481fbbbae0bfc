"""The controller between what Kubernetes says, registries in memory, and what the authors are told."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from dubbo_registrar.controller import Controller
from dubbo_registrar.model import Declared, ObjectKey, Pod, Registry, Service
from dubbo_registrar.reporting import Report
from tests.unit.in_memory import InMemoryTree, Server
from tests.unit.objects import (
    CART,
    OURS,
    STARTED,
    STOCK,
    declared,
    declared_registry,
    labelled,
    pod,
    registry,
    service,
)
from tests.unit.virtual_time import eventually, pass_time, run

CART_KEY = service().key


class World:
    """Registries, by name, and a controller that is told of them; what it reports is kept."""

    def __init__(self, servers: dict[str, Server] | None = None) -> None:
        self.servers = defaultdict(Server, servers or {})
        self.trees: defaultdict[str, list[InMemoryTree]] = defaultdict(list)
        self.reachable = True
        self.reports: dict[ObjectKey, Report] = {}
        self.forgotten: set[str] = set()
        self.synced = asyncio.Event()
        self.controller = Controller(
            owner=OURS,
            tree=self._client,
            statuses=self,
            synced=self._wait,
            resync_seconds=300,
        )

    async def _wait(self) -> None:
        await self.synced.wait()

    def _client(self, where: Registry, heard: Callable[[str | None], None]) -> InMemoryTree:
        tree = InMemoryTree(self.servers[where.key.name], heard)
        tree.connects = self.reachable
        self.trees[where.key.name].append(tree)
        return tree

    def report_service(self, declared: Declared[Service], report: Report) -> None:
        self.reports[declared.key] = report

    def forget(self, uid: str) -> None:
        self.forgotten.add(uid)

    def report_registry(self, declared: Declared[Registry], report: Report) -> None:
        self.reports[declared.key] = report

    def ready(self, key: ObjectKey = CART_KEY) -> str:
        """Return the reason of an object's Ready condition, as last reported."""
        conditions = self.reports[key].conditions if key in self.reports else ()
        return next((condition.reason for condition in conditions if condition.type == "Ready"), "")

    def say(self, *things: Pod | Service | Registry) -> None:
        """Tell of pods, services and registries that are new or changed."""
        for thing in things:
            match thing:
                case Pod():
                    self.controller.pod_changed(thing.key, thing)
                case Service():
                    self.controller.service_changed(thing.key, declared(thing))
                case Registry():
                    self.controller.registry_changed(thing.key, declared_registry(thing))

    def say_unusable(self, key: ObjectKey, *, deleted: bool = False) -> None:
        """Tell of a service whose object cannot be used."""
        broken: Declared[Service] = Declared(key, "uid", 2, deleted=deleted, value=None, problem="spec.selector: empty")
        self.controller.service_changed(key, broken)

    def hosts(self, interface: str = CART, *, name: str = "default") -> set[str]:
        """Return the last part of each address that a consumer finds."""
        names = self.servers[name].names(interface)
        return {each.partition("%3A20880")[0].rpartition(".")[2] for each in names}

    def successor(self) -> "World":
        """Return what finds the registry as this controller left it; this one is cut off for good."""
        self.trees["default"][-1].cut()
        return World({"default": self.servers["default"]})

    @asynccontextmanager
    async def running(self, *, synced: bool = True) -> AsyncIterator[None]:
        """Run the controller. Whatever ends it fails the test."""
        if synced:
            self.synced.set()
        task = asyncio.get_running_loop().create_task(self.controller.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


PODS = tuple(pod(f"cart-{number}", host=f"10.64.0.{number}") for number in (1, 2, 3))


def scenario(play: Callable[[World], Coroutine[Any, Any, None]], *things: Pod | Service | Registry) -> None:
    """Play a scenario with a registry, the cart service and its three pods registered, or with other things."""

    async def all_of_it() -> None:
        world = World()
        world.say(*(things or (registry(), service(), *PODS)))
        async with world.running():
            if not things:
                await eventually(lambda: world.hosts() == {"1", "2", "3"} and world.ready() == "Registered")
            await play(world)

    run(all_of_it())


def test_nothing_is_written_before_the_view_is_complete() -> None:
    """No connection is made before everything was listed: what is not listed yet would look deleted."""

    async def play() -> None:
        world = World()
        async with world.running(synced=False):
            world.say(registry(), service(), PODS[0])
            await pass_time(1000)
            assert not world.trees
            assert not world.reports
            world.synced.set()
            await eventually(lambda: world.hosts() == {"1"})

    run(play())


def test_the_tree_follows_the_pods() -> None:
    """Pods that come, turn unready, terminate or go are in the registry exactly while they can be called."""

    async def play(world: World) -> None:
        world.say(pod("cart-4", host="10.64.0.4"), replace(PODS[0], ready=False), replace(PODS[1], terminating=True))
        world.controller.pod_changed(PODS[2].key, None)
        await eventually(lambda: world.hosts() == {"4"}, within=1)
        world.say(PODS[0])
        await eventually(lambda: world.hosts() == {"1", "4"}, within=1)
        await eventually(lambda: world.reports[CART_KEY].fields["registered"] == "2/2")

    scenario(play)


def test_a_restart_writes_nothing() -> None:
    """A controller that finds everything as it should be sends no transaction."""

    async def play(world: World) -> None:
        again = world.successor()
        again.say(registry(), service(), *PODS)
        async with again.running():
            await eventually(lambda: again.ready() == "Registered")
            assert again.trees["default"][0].commits == []

    scenario(play)


def test_what_was_deleted_while_nobody_looked_is_removed_after_a_start() -> None:
    """A pod and a service that went while the operator was down are found out, and nothing else goes."""

    async def play(world: World) -> None:
        world.say(service("stock", interfaces=(STOCK,)))
        await eventually(lambda: len(world.hosts(STOCK)) == 3)
        before = len(world.servers["default"].history)
        again = world.successor()
        again.say(registry(), service(), *PODS[:2])
        async with again.running():
            await eventually(lambda: not again.hosts(STOCK) and again.hosts() == {"1", "2"})
        carts = [len(names) for interface, names in world.servers["default"].history[before:] if interface == CART]
        assert carts == [2]

    scenario(play)


def test_a_deleted_service_is_withdrawn_once_its_providers_are_gone() -> None:
    """The finalizer is held from the deletion until no node of the service is left."""

    async def play(world: World) -> None:
        assert not world.controller.withdrawn(CART_KEY)
        world.say(service(deleted=True))
        while not world.controller.withdrawn(CART_KEY):
            await pass_time(0.001)
        assert world.hosts() == set()
        world.controller.service_changed(CART_KEY, None)
        assert world.controller.withdrawn(CART_KEY)

    scenario(play)


def test_a_deleted_service_is_not_withdrawn_while_its_registry_is_away() -> None:
    """What cannot be seen is not taken for gone."""

    async def play(world: World) -> None:
        tree = world.trees["default"][-1]
        tree.cut()
        world.say(service(deleted=True))
        await pass_time(100)
        assert not world.controller.withdrawn(CART_KEY)
        tree.connect()
        await eventually(lambda: world.controller.withdrawn(CART_KEY))
        assert world.hosts() == set()

    scenario(play)


def test_a_deleted_service_is_not_withdrawn_before_its_registry_was_read() -> None:
    """After a restart without a connection nothing is known of what stands in the registry."""

    async def play(world: World) -> None:
        again = world.successor()
        again.reachable = False
        again.say(registry(), service(deleted=True), *PODS)
        async with again.running():
            await pass_time(100)
            assert not again.controller.withdrawn(CART_KEY)
            again.trees["default"][-1].connect()
            await eventually(lambda: again.controller.withdrawn(CART_KEY))
            assert again.hosts() == set()

    scenario(play)


def test_an_unusable_service_that_is_deleted_is_withdrawn() -> None:
    """The providers of a service go when it is deleted, whatever its object says by then."""

    async def play(world: World) -> None:
        world.say_unusable(CART_KEY, deleted=True)
        assert not world.controller.withdrawn(CART_KEY)
        await eventually(lambda: world.controller.withdrawn(CART_KEY))
        assert world.hosts() == set()

    scenario(play)


def test_a_service_without_a_registry_is_withdrawn_at_once() -> None:
    """Where no Registry is, nothing can be left behind that anybody could remove."""

    async def play(world: World) -> None:
        await eventually(lambda: world.ready() == "RegistryNotFound")
        world.say(service(deleted=True))
        assert world.controller.withdrawn(CART_KEY)

    scenario(play, service(), PODS[0])


def test_nothing_is_let_go_before_the_view_is_complete() -> None:
    """Before everything was listed, no service counts as withdrawn and no registry as unused."""

    async def play() -> None:
        world = World()
        async with world.running(synced=False):
            assert not world.controller.withdrawn(CART_KEY)
            assert not world.controller.unused(registry().key)
            world.synced.set()
            await eventually(lambda: world.controller.withdrawn(CART_KEY))
            assert world.controller.unused(registry().key)

    run(play())


def test_a_registry_is_unused_once_no_service_refers_to_it() -> None:
    """A service that is still being deleted counts; one that points elsewhere does not."""

    async def play(world: World) -> None:
        key = registry().key
        world.say(service(deleted=True))
        assert not world.controller.unused(key)
        world.say(service(registry="other"))
        assert world.controller.unused(key)
        world.say(service())
        world.controller.service_changed(CART_KEY, None)
        assert world.controller.unused(key)

    scenario(play)


def test_a_registry_that_appears_later_is_filled() -> None:
    """A service waits for its Registry, and says so."""

    async def play(world: World) -> None:
        await eventually(lambda: world.ready() == "RegistryNotFound")
        world.say(registry())
        await eventually(lambda: world.hosts() == {"1"} and world.ready() == "Registered")
        await eventually(lambda: world.ready(registry().key) == "Connected")

    scenario(play, service(), PODS[0])


def test_a_registry_that_goes_away_is_left_as_it_is() -> None:
    """Without its Registry object nothing is written any more, and the service says what it lacks."""

    async def play(world: World) -> None:
        world.controller.registry_changed(registry().key, None)
        await eventually(lambda: world.ready() == "RegistryNotFound")
        world.say(replace(PODS[0], ready=False))
        await pass_time(1000)
        assert world.hosts() == {"1", "2", "3"}
        assert not world.trees["default"][-1].connected

    scenario(play)


def test_a_registry_is_connected_anew_only_when_the_connection_changed() -> None:
    """Another generation or a deletion that waits leave the connection alone; another timeout needs a new one."""

    async def play(world: World) -> None:
        world.say(registry(generation=2), registry(generation=2, deleted=True))
        await eventually(lambda: world.ready(registry().key) == "InUse")
        assert len(world.trees["default"]) == 1
        world.say(registry(generation=3, session_timeout=10.0))
        await eventually(lambda: world.trees["default"][-1].connected)
        assert len(world.trees["default"]) == 2
        world.say(PODS[0], replace(PODS[1], ready=False))
        await eventually(lambda: world.hosts() == {"1", "3"})
        assert not world.trees["default"][0].connected

    scenario(play)


def test_an_outage_is_told_and_made_up_for() -> None:
    """While the registry is away the service says why; what changed meanwhile is applied within 2 seconds."""

    async def play(world: World) -> None:
        tree = world.trees["default"][-1]
        tree.cut()
        await eventually(lambda: world.ready() == "RegistryUnavailable")
        assert world.ready(registry().key) == "Unavailable"
        world.say(replace(PODS[0], terminating=True))
        await pass_time(1000)
        tree.connect()
        await eventually(lambda: world.hosts() == {"2", "3"}, within=2)
        await eventually(lambda: world.ready() == "Registered")
        await eventually(lambda: world.ready(registry().key) == "Connected")

    scenario(play)


def test_a_registry_that_is_away_from_the_start_is_told() -> None:
    """A service whose registry never answered says so and is registered once it does."""

    async def play() -> None:
        world = World()
        world.reachable = False
        world.say(registry(), service(), *PODS)
        async with world.running():
            await eventually(lambda: world.ready() == "RegistryUnavailable")
            world.trees["default"][-1].connect()
            await eventually(lambda: world.hosts() == {"1", "2", "3"}, within=2)

    run(play())


def test_a_service_that_moves_leaves_nothing_behind() -> None:
    """Another interface or another registry: registered there, gone from where it was."""

    async def play(world: World) -> None:
        world.say(service(interfaces=(STOCK,)))
        await eventually(lambda: world.hosts(STOCK) == {"1", "2", "3"} and not world.hosts())
        world.say(registry("other"), service(registry="other"))
        await eventually(lambda: world.hosts(name="other") == {"1", "2", "3"} and not world.hosts(STOCK))

    scenario(play)


def test_an_unusable_service_keeps_its_living_pods_registered() -> None:
    """An object that cannot be used says why; its nodes stay but for pods that end, and other services go on."""

    async def play(world: World) -> None:
        world.say_unusable(CART_KEY)
        await eventually(lambda: world.ready() == "InvalidSpec")
        world.say(replace(PODS[0], ready=False), pod("cart-9", host="10.64.0.9"))
        world.say(service("stock", interfaces=(STOCK,)))
        await eventually(lambda: len(world.hosts(STOCK)) == 3)
        assert world.hosts() == {"1", "2", "3"}
        world.controller.pod_changed(PODS[1].key, None)
        await eventually(lambda: world.hosts() == {"1", "3"}, within=1)
        world.say(service())
        await eventually(lambda: world.hosts() == {"3", "9"})

    scenario(play)


def test_a_service_that_is_unusable_at_the_start_keeps_its_living_pods_registered() -> None:
    """Nothing is deleted because an object stopped being usable while the operator was down, but for pods that end."""

    async def play(world: World) -> None:
        again = world.successor()
        again.say_unusable(CART_KEY)
        again.say(registry(), *PODS[:2])
        async with again.running():
            await eventually(lambda: again.hosts() == {"1", "2"})
            again.say(replace(PODS[0], terminating=True))
            await eventually(lambda: again.hosts() == {"2"}, within=1)

    scenario(play)


def test_a_suspended_service_keeps_what_is_registered() -> None:
    """Whatever its object and its pods say, nothing is added or changed; nodes of pods that end go at once."""

    async def play(world: World) -> None:
        world.say(service(suspended=True, selector=labelled("none"), interfaces=(STOCK,), parameters={"weight": "1"}))
        world.say(pod("cart-4", host="10.64.0.4"), replace(PODS[0], ready=False))
        await pass_time(1000)
        assert world.hosts() == {"1", "2", "3"}
        world.say(replace(PODS[1], terminating=True))
        await eventually(lambda: world.hosts() == {"1", "3"}, within=1)
        assert world.hosts(STOCK) == set()

    scenario(play)


def test_a_suspended_service_is_not_superseded() -> None:
    """A younger service does not get the addresses that a suspended one has registered; it is told so."""

    async def play(world: World) -> None:
        world.say(service(suspended=True))
        world.say(service("younger", created_at=STARTED + 1, parameters={"weight": "50"}))
        await eventually(lambda: world.ready(ObjectKey("shop", "younger")) == "Taken")
        assert len(world.servers["default"].names(CART)) == 3

    scenario(play)


def test_the_younger_of_two_services_is_told_and_takes_over() -> None:
    """It says who holds the address, and gets it without a moment in which nobody has it."""

    async def play(world: World) -> None:
        younger = service("younger", created_at=STARTED + 1, parameters={"weight": "50"})
        world.say(younger)
        await eventually(lambda: world.ready(younger.key) == "Conflict")
        before = len(world.servers["default"].history)
        world.say(service(deleted=True))
        await eventually(lambda: world.ready(younger.key) == "Registered")
        await eventually(lambda: len(world.servers["default"].names(CART)) == 3)
        assert min(len(names) for _, names in world.servers["default"].history[before:]) == 3

    scenario(play)


def test_a_place_that_somebody_else_has_is_told() -> None:
    """A foreign node under the name of a provider stays, and the pod is listed as taken."""

    async def play(world: World) -> None:
        server = world.servers["default"]
        (name,) = (each for each in server.names(CART) if "10.64.0.1%3A" in each)
        server.directories[CART][name] = None
        await pass_time(300)
        await eventually(lambda: world.ready() == "Taken")
        (line,) = world.reports[CART_KEY].fields["notRegistered"]
        assert (line["pod"], line["reason"]) == ("cart-1", "Taken")
        assert server.directories[CART][name] is None

    scenario(play)


def test_an_unusable_registry_is_told_and_not_connected_to() -> None:
    """The problem of a Registry object stands in its status; nobody writes there."""

    async def play(world: World) -> None:
        key = registry().key
        world.controller.registry_changed(key, Declared(key, "uid", 1, deleted=False, value=None, problem="no port"))
        await eventually(lambda: world.ready(key) == "InvalidSpec")
        assert not world.trees

    scenario(play, service(), PODS[0])


def test_the_same_object_again_changes_nothing() -> None:
    """An event without a change, as every status that we write makes one, starts no work and no report."""

    async def play(world: World) -> None:
        await pass_time(10)
        world.reports.clear()
        reads = len(world.trees["default"][-1].reads)
        world.say(service())
        await pass_time(10)
        assert world.reports == {}
        assert len(world.trees["default"][-1].reads) == reads

    scenario(play)
