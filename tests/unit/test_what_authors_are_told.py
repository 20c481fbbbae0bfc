"""What the author of a RegistryService reads in its status while something keeps its providers as they are."""

from typing import Any
from unittest.mock import patch

from dubbo_registrar.desired import Desired
from dubbo_registrar.model import Declared
from tests.unit.objects import CART, labelled, pod, registry, service
from tests.unit.test_controller import CART_KEY, World, scenario
from tests.unit.virtual_time import eventually


def message(world: World) -> str:
    """Return the message of the service's Ready condition."""
    (found,) = (each.message for each in world.reports[CART_KEY].conditions if each.type == "Ready")
    return found


def counts(world: World) -> tuple[str, Any]:
    """Return what the status says of providers in the registry, in short and as a number."""
    fields = world.reports[CART_KEY].fields
    return fields["registered"], fields["providers"]["registered"]


def test_a_refused_write_is_told_to_the_service() -> None:
    """Whose providers ZooKeeper refuses reads why, and whose are all there does not."""

    async def play(world: World) -> None:
        tree = world.trees["default"][-1]
        tree.refused = {CART}
        world.say(pod("cart-4", host="10.64.0.4"))
        await eventually(lambda: world.ready() == "WriteRefused")
        assert message(world) == f"3 of 4 providers are registered; {CART}: no access"
        world.say(pod("cart-4", host="10.64.0.4", ready=False))
        await eventually(lambda: world.ready() == "Registered")

    scenario(play)


def test_an_unusable_registry_is_not_said_to_be_missing() -> None:
    """Who refers to a Registry that is there, and cannot be used, is not told to create it."""

    async def play(world: World) -> None:
        key = registry().key
        world.controller.registry_changed(key, Declared(key, "uid", 2, deleted=False, value=None, problem="no port"))
        await eventually(lambda: world.ready() == "RegistryUnavailable")
        assert message(world).endswith("Registry 'default' cannot be used: no port")

    scenario(play)


def test_what_a_suspended_service_has_registered_is_counted() -> None:
    """The providers of a suspended service are in the registry, and its status says so."""

    async def play(world: World) -> None:
        world.say(service(suspended=True))
        await eventually(lambda: world.ready() == "Suspended")
        assert counts(world) == ("3/3", 3)

    scenario(play)


def test_what_a_deleted_service_still_has_registered_is_counted() -> None:
    """While the registry is away, the status of a deleted service says how many providers are left there."""

    async def play(world: World) -> None:
        world.trees["default"][-1].cut()
        world.say(service(deleted=True))
        await eventually(lambda: world.ready() == "RegistryUnavailable" and counts(world)[0] == "3/0")
        assert counts(world) == ("3/0", 3)

    scenario(play)


def test_an_interface_of_many_services_is_looked_at_once_for_all_their_reports() -> None:
    """One pod of an interface that all services share does not cost each of them a look at all of its providers."""
    many = [service(f"s{number}", selector=labelled(f"s{number}")) for number in range(50)]

    async def play(world: World) -> None:
        await eventually(lambda: len(world.reports) > len(many))
        world.reports.clear()
        with patch.object(Desired, "directory", autospec=True, side_effect=Desired.directory) as looks:
            world.say(pod(labels={"app": "s7"}))
            await eventually(lambda: world.hosts() == {"1"} and len(world.reports) > len(many))
        assert looks.call_count < len(many) / 2

    scenario(play, registry(), *many)
