"""A publication against a registry that changes, refuses, forgets and goes away."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dubbo_registrar.desired import Directory
from dubbo_registrar.model import Mark, ObjectKey, Provider
from dubbo_registrar.publication import Publication
from tests.unit.in_memory import InMemoryTree, Server
from tests.unit.objects import CART, OURS, STOCK, THEIRS, mark, providers
from tests.unit.virtual_time import eventually, pass_time, run, turns_until

LONG_AGO = Mark(OURS, ObjectKey("shop", "gone"), "uid-of-gone", "uid-of-gone-pod")


class Setting:
    """A server, what is wanted there, and the publication that is to bring the two together."""

    def __init__(self, *, latency: Iterator[int] | None = None) -> None:
        self.server = Server()
        self.wanted: dict[str, dict[str, Provider]] = {}
        self.reports: list[frozenset[str] | None] = []
        self.publication = Publication(
            desired=lambda interface: Directory(self.wanted.get(interface, {}), (), {}),
            wished=lambda: self.wanted,
            owner=OURS,
            tree=lambda heard: self._client(heard, latency),
            on_report=self.reports.append,
        )

    def _client(self, heard: Callable[[str | None], None], latency: Iterator[int] | None) -> InMemoryTree:
        self.tree = InMemoryTree(self.server, heard, latency=latency)
        return self.tree

    def want(self, interface: str, *names: dict[str, Provider]) -> None:
        """Change what is wanted in a directory, and say so."""
        self.wanted[interface] = {name: provider for some in names for name, provider in some.items()}
        self.publication.touch([interface])

    @property
    def right(self) -> bool:
        """Whether every directory holds what is wanted, rightly marked, and nothing else of ours."""
        held = {
            (interface, name): each
            for interface, nodes in self.server.directories.items()
            for name, each in nodes.items()
            if each is not None and each.owner == OURS
        }
        return held == {(i, name): mark(each) for i, some in self.wanted.items() for name, each in some.items()}

    @property
    def settled(self) -> bool:
        """Whether the publication holds that nothing is left to do."""
        return self.publication.settled({*self.wanted, *self.server.directories})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the publication. Whatever ends it fails the test."""
        task = asyncio.get_running_loop().create_task(self.publication.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def scenario(play: Callable[[Setting], Coroutine[Any, Any, None]]) -> Setting:
    """Play a scenario while a publication runs that has three carts registered, and return where it ended."""
    setting = Setting()

    async def all_of_it() -> None:
        setting.want(CART, providers(3))
        async with setting.running():
            await eventually(lambda: setting.right and setting.settled)
            await play(setting)

    run(all_of_it())
    return setting


def test_what_is_wanted_is_registered_and_reported() -> None:
    """Providers appear in an empty registry, in a directory that was made for them, and the pass is reported."""

    async def play(setting: Setting) -> None:
        assert setting.publication.owned == 3
        assert frozenset({CART}) in setting.reports

    assert scenario(play).server.names(CART) == set(providers(3))


def test_nothing_is_written_when_nothing_changed() -> None:
    """Touches, resyncs and new connections on their own send not a single transaction."""

    async def play(setting: Setting) -> None:
        before = len(setting.tree.commits)
        setting.publication.touch([CART])
        setting.publication.resync()
        await eventually(lambda: setting.settled)
        setting.tree.cut()
        setting.tree.connect()
        await eventually(lambda: setting.settled)
        assert len(setting.tree.commits) == before

    scenario(play)


def test_directories_of_services_without_pods_are_made() -> None:
    """A consumer that comes before the first pod finds the directory to watch."""

    async def play(setting: Setting) -> None:
        setting.want(STOCK)
        await eventually(lambda: STOCK in setting.server.directories)

    scenario(play)


def test_changes_during_a_pass_are_not_lost() -> None:
    """What changes while a plan is being carried out, on either side, is right in the end."""

    async def play(setting: Setting) -> None:
        setting.tree.latency = iter(lambda: 50, None)
        setting.want(CART, providers(5))
        commits = len(setting.tree.commits)
        await eventually(lambda: len(setting.tree.commits) > commits)
        setting.want(CART, providers(2, weight=50))
        (spare,) = set(providers(3)) - set(providers(2))
        setting.server.drop(CART, spare)
        await eventually(lambda: setting.right and setting.settled)

    scenario(play)


def test_what_others_delete_is_made_anew() -> None:
    """A node of ours that somebody deletes is there again at once, not only after the next resync."""

    async def play(setting: Setting) -> None:
        setting.server.drop(CART, next(iter(providers(1))))
        await eventually(lambda: setting.right and setting.settled, within=1)

    scenario(play)


def test_an_unknown_outcome_is_read() -> None:
    """When the answer to a write is lost, what happened is read and only what is missing is written again."""
    for carried_out in (True, False):

        async def play(setting: Setting, *, carried_out: bool = carried_out) -> None:
            commits = len(setting.tree.commits)
            setting.tree.losses = [carried_out]
            setting.want(CART, providers(4))
            await eventually(lambda: setting.right and setting.settled)
            assert setting.tree.commits[commits:] == ([1] if carried_out else [1, 1])

        scenario(play)


def test_a_refused_directory_does_not_hold_up_others() -> None:
    """While one directory may not be written, others are; the refusal is told, and forgotten once it is over."""

    async def play(setting: Setting) -> None:
        setting.tree.refused = {STOCK}
        setting.want(STOCK, providers(2, interface=STOCK))
        await eventually(lambda: STOCK in setting.publication.problem)
        setting.want(CART, providers(5))
        await eventually(lambda: setting.server.names(CART) == set(providers(5)), within=0.5)
        assert not setting.settled
        setting.tree.refused = set()
        await eventually(lambda: setting.right and setting.settled and not setting.publication.problem)

    scenario(play)


def test_a_refused_node_does_not_hold_up_its_neighbours() -> None:
    """Of a plan that is refused for one node, the rest is carried out one by one."""

    async def play(setting: Setting) -> None:
        wanted = providers(9)
        bad = list(wanted)[4]
        setting.tree.refused = {bad}
        setting.want(CART, wanted)
        await eventually(lambda: setting.server.names(CART) == set(wanted) - {bad})
        assert "no access" in setting.publication.problem

    scenario(play)


def test_a_refusal_is_tried_again_once_a_second_however_often_it_is_touched() -> None:
    """Changes in a refused directory do not add up to ever more attempts, those that succeed a node included."""
    for weight in (100, 50):

        async def play(setting: Setting, *, weight: int = weight) -> None:
            setting.tree.refused = {CART}
            for count in range(4, 14):
                setting.want(CART, providers(count, weight=weight))
                await pass_time(0.05)
            before = len(setting.reports)
            await pass_time(10)
            assert len(setting.reports) - before <= 11

        scenario(play)


def test_a_refusal_that_became_pointless_is_forgotten() -> None:
    """When nothing is left to write, because the pod went or somebody else has the place, no problem is told."""

    async def play(setting: Setting) -> None:
        setting.tree.refused = {CART}
        setting.want(CART, providers(4))
        await eventually(lambda: setting.publication.problem)
        setting.want(CART, providers(3))
        await eventually(lambda: setting.settled)
        assert setting.publication.problem == ""

    scenario(play)


def test_a_directory_that_may_not_be_made_ends_nothing() -> None:
    """A refusal to create a directory is told like any other, and the publication goes on."""

    async def play(setting: Setting) -> None:
        setting.tree.refused = {STOCK}
        setting.want(STOCK)
        await eventually(lambda: STOCK in setting.publication.problem)
        setting.tree.refused = set()
        await eventually(lambda: setting.settled and STOCK in setting.server.directories)

    scenario(play)


def test_a_new_connection_reads_everything_again() -> None:
    """What was missed while there was no connection is seen as soon as there is one, although no watch told."""

    async def play(setting: Setting) -> None:
        setting.tree.cut()
        setting.server.drop(CART, next(iter(providers(1))))
        setting.want(CART, providers(3))
        assert not setting.settled
        setting.tree.connect()
        await eventually(lambda: setting.right and setting.settled, within=1)

    scenario(play)


def test_a_read_without_an_answer_is_tried_again() -> None:
    """A directory, or the list of all, that could not be read is read later, although the connection never went."""

    async def play(setting: Setting) -> None:
        setting.tree.silent = 1
        setting.want(STOCK, providers(1, interface=STOCK))
        await eventually(lambda: setting.right and setting.settled, within=2)
        setting.server.put("orphan", "orphan", LONG_AGO)
        setting.tree.silent = 1
        setting.publication.resync()
        await eventually(lambda: setting.right and setting.settled, within=2)

    scenario(play)


def test_what_changes_between_a_read_and_its_answer_is_not_lost() -> None:
    """A directory that is read for the first time is followed from the moment at which its names were listed."""

    async def play(setting: Setting) -> None:
        name = next(iter(providers(1, interface=STOCK)))
        setting.server.put(STOCK, name, mark(providers(1, interface=STOCK)[name]))
        setting.server.put(STOCK, "orphan", LONG_AGO)
        setting.tree.latency = iter(lambda: 50, None)
        await pass_time(1)
        setting.publication.resync()
        await turns_until(lambda: setting.server.watches[STOCK])
        setting.want(STOCK, providers(2, interface=STOCK))
        setting.server.drop(STOCK, name)
        await eventually(lambda: setting.right and setting.settled, within=2)

    scenario(play)


def test_a_wiped_registry_is_filled_again() -> None:
    """A registry that came back empty gets its directories and providers again."""

    async def play(setting: Setting) -> None:
        setting.tree.cut()
        setting.server.directories.clear()
        setting.tree.connect()
        await eventually(lambda: setting.right and setting.settled, within=1)

    scenario(play)


def test_directories_of_others_are_not_followed() -> None:
    """Changes in a directory that holds nothing of ours, and that nobody wants, cost no read."""

    async def play(setting: Setting) -> None:
        setting.server.put(STOCK, "theirs")
        setting.publication.resync()
        await pass_time(1)
        before = len(setting.tree.reads)
        assert STOCK in setting.tree.reads
        setting.server.put(STOCK, "another")
        await pass_time(10)
        assert len(setting.tree.reads) == before
        assert setting.publication.foreign == 0

    scenario(play)


def test_a_resync_finds_orphans() -> None:
    """Nodes of ours in a directory that no service wants any more are found by a resync, and go."""

    async def play(setting: Setting) -> None:
        setting.server.put(STOCK, "orphan", LONG_AGO)
        setting.server.put(STOCK, "theirs", Mark(THEIRS, LONG_AGO.service, "", ""))
        setting.publication.resync()
        await eventually(lambda: setting.server.names(STOCK) == {"theirs"})

    scenario(play)


def test_a_changed_mark_is_found_by_a_resync() -> None:
    """A mark that somebody overwrote is seen at the next resync: the node is foreign then, and its place taken."""

    async def play(setting: Setting) -> None:
        name = next(iter(providers(1)))
        setting.server.directories[CART][name] = None
        setting.publication.resync()
        await eventually(lambda: setting.publication.taken(CART) == {name} and setting.settled)
        assert not setting.publication.registered(CART, name)
        assert setting.server.directories[CART][name] is None

    scenario(play)


def test_a_name_that_others_took_after_us_is_theirs() -> None:
    """When another install makes the node that we just deleted, it is foreign: what we knew of it is forgotten."""

    async def play(setting: Setting) -> None:
        name = next(iter(providers(1)))
        theirs = Mark(THEIRS, LONG_AGO.service, "", "")
        written = setting.server.changed

        def seize(interface: str) -> None:
            if name not in setting.server.names(CART):
                setting.server.directories[CART][name] = theirs
            written(interface)

        setting.server.changed = seize  # type: ignore[method-assign]
        setting.want(CART, {one: each for one, each in providers(3).items() if one != name})
        await eventually(lambda: setting.settled)
        await pass_time(5)
        assert setting.server.directories[CART][name] == theirs
        assert setting.publication.foreign == 1

    scenario(play)


def test_holding_tells_where_nodes_of_a_service_stand() -> None:
    """A service holds the directories where its nodes were last read, until they are gone."""

    async def play(setting: Setting) -> None:
        key = ObjectKey("shop", "cart")
        assert setting.publication.holding(key) == {CART}
        setting.want(CART)
        assert not setting.publication.settled([CART])
        await eventually(lambda: setting.publication.settled([CART]))
        assert setting.publication.holding(key) == set()

    scenario(play)


ACTIONS = st.one_of(
    st.tuples(st.just("want"), st.sampled_from([CART, STOCK]), st.integers(0, 5), st.sampled_from([50, 100])),
    st.tuples(st.just("drop"), st.sampled_from([CART, STOCK]), st.integers(0, 4)),
    st.tuples(st.just("reconnect"), st.booleans()),
    st.tuples(st.just("resync")),
    st.tuples(st.just("lose"), st.lists(st.booleans(), max_size=3)),
    st.tuples(st.just("refuse"), st.sets(st.sampled_from([CART, STOCK]))),
    st.tuples(st.just("wait"), st.sampled_from([0, 0.001, 0.002, 1.5])),
)


async def act(setting: Setting, action: tuple[Any, ...]) -> None:
    """Let one thing happen."""
    server, tree = setting.server, setting.tree
    match action:
        case "want", interface, count, weight:
            setting.want(interface, providers(count, interface=interface, weight=weight))
        case "drop", interface, position:
            if owned := sorted(server.owned(interface, OURS)):
                server.drop(interface, owned[position % len(owned)])
        case "reconnect", wiped:
            tree.cut()
            if wiped:
                server.directories.clear()
            tree.connect()
        case ("resync",):
            setting.publication.resync()
        case "lose", losses:
            tree.losses = losses
        case "refuse", interfaces:
            tree.refused = interfaces
        case "wait", seconds:
            await pass_time(seconds)


@settings(max_examples=60)
@given(st.lists(ACTIONS, max_size=12), st.lists(st.integers(0, 5), max_size=40))
def test_whatever_happens_in_whatever_order_it_is_right_in_the_end(
    actions: list[tuple[Any, ...]], latency: list[int]
) -> None:
    """Changes, losses, refusals and cuts at any moment leave nothing undone, and a foreign node as it was."""

    async def play() -> None:
        setting = Setting(latency=iter(latency))
        setting.server.put(CART, "theirs")
        async with setting.running():
            for action in actions:
                await act(setting, action)
                if "theirs" not in setting.server.names(CART):
                    setting.server.put(CART, "theirs")
            setting.tree.refused = set()
            await eventually(lambda: setting.right and setting.settled, within=5)
            assert not setting.publication.problem
            assert setting.server.directories[CART]["theirs"] is None

    run(play())


def test_what_follows_a_write_is_gathered() -> None:
    """A first change is written at once, those that follow within a moment go together."""

    async def play(setting: Setting) -> None:
        await pass_time(1)
        before = len(setting.tree.commits)
        for count in (1, 2, 3):
            setting.want(STOCK, providers(count, interface=STOCK))
            await pass_time(0.03)
            assert len(setting.tree.commits) == before + 1
        await eventually(lambda: setting.right and setting.settled, within=0.5)
        assert len(setting.tree.commits) == before + 2

    scenario(play)
