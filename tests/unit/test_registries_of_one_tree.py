"""Two Registry objects that lead to the same nodes: by one address, or by two names of one server."""

from dubbo_registrar.model import ObjectKey
from tests.unit.in_memory import Server
from tests.unit.objects import STOCK, labelled, pod, registry, service
from tests.unit.test_controller import World
from tests.unit.virtual_time import eventually, pass_time, run


def test_neither_takes_the_others_providers_away() -> None:
    """What is published through one Registry is foreign to the other: nothing flaps, at start or at a resync."""

    async def scenario() -> None:
        one_tree = Server()
        world = World({"default": one_tree, "alias": one_tree})
        world.say(registry(), registry("alias"), pod(), pod("stock-1", host="10.64.0.2", labels={"app": "stock"}))
        world.say(service())
        world.say(service("stock", registry="alias", selector=labelled("stock")))
        world.say(service("depot", registry="alias", interfaces=(STOCK,), selector=labelled("stock")))
        async with world.running():
            await eventually(lambda: world.hosts() == {"1", "2"} and world.hosts(STOCK) == {"2"})
            await pass_time(5)
            written = len(one_tree.history)
            await pass_time(1000)
        assert len(one_tree.history) == written
        assert world.hosts() == {"1", "2"}
        assert world.ready(ObjectKey("shop", "stock")) == "Registered"

    run(scenario())
