"""The reflector against an API server that fails: what it mirrors is right, and it says when it may not be."""

import json
from collections import Counter

import pytest

from dubbo_registrar.kube.client import Client
from dubbo_registrar.kube.reflector import Seen
from tests.integration.kube.fake_api_server import CUT, FakeApiServer, pod
from tests.integration.kube.mirror import Mirror, eventually, running

pytestmark = pytest.mark.asyncio


async def test_lists_all_pages(server: FakeApiServer, mirror: Mirror) -> None:
    """All pods of all pages are there once it is synced, each told once, and before that none."""
    for number in range(10):
        server.put(pod(f"p{number}"))
    seen: list[bool] = []
    server.on_page = lambda: seen.append(bool(mirror.names))
    assert not mirror.reflector.synced
    assert not mirror.reflector.fresh

    async with running(mirror.reflector):
        await mirror.reflector.synced_event.wait()

        assert mirror.names == {f"p{number}" for number in range(10)}
        assert mirror.changes == [(f"p{number}", False, True, Seen.LISTED) for number in range(10)]
        assert seen == [False] * 4


async def test_lists_the_newest_state(server: FakeApiServer, current: Mirror) -> None:
    """A list names no version, so that no cache may answer with an old state; a watch begins where the list ended."""
    assert all("resourceVersion" not in query for query in server.lists)
    assert [query["resourceVersion"] for query in server.watches] == ["100"]


async def test_follows_the_watch(server: FakeApiServer, current: Mirror) -> None:
    """A pod that comes, changes and goes is told three times; one that was written without change is not."""
    server.put(pod("a"))
    server.put(pod("a", labels={"app": "cart"}))
    server.put(pod("a", labels={"app": "cart"}, annotations={"touched": "yes"}))
    server.delete("a")

    await eventually(lambda: current.gone)
    seen = Seen.WATCHED
    assert current.changes == [("a", False, True, seen), ("a", True, True, seen), ("a", True, False, seen)]
    assert current.names == set()


async def test_watch_goes_on_after_its_time(server: FakeApiServer, current: Mirror) -> None:
    """When a watch is over, the next one goes on after its last event: no list, nothing missed, fresh all the while."""
    server.put(pod("a"))
    await eventually(lambda: current.names)
    server.end_watches()
    await eventually(lambda: server.open_watches == 0)
    server.delete("a")
    assert current.reflector.fresh

    await eventually(lambda: current.gone)
    assert current.gone == [("a", Seen.WATCHED)]
    assert [query["resourceVersion"] for query in server.watches] == ["100", "101"]
    assert [query["limit"] for query in server.lists] == ["500", "1"]


async def test_bookmark_moves_on(server: FakeApiServer, current: Mirror) -> None:
    """A watch goes on after a bookmark: what the server has forgotten up to there is not missed."""
    server.bookmark()
    server.compact()
    server.send(CUT)
    await eventually(lambda: len(server.watches) > 1)

    assert [query["resourceVersion"] for query in server.watches] == ["100", "101"]


async def test_watch_cut_in_the_middle_of_an_event(server: FakeApiServer, current: Mirror) -> None:
    """Half an event is none: it is read again, whole, from the next watch, and told once."""
    server.muted = True
    server.put(pod("a"))
    server.muted = False
    server.send(b'{"type": "ADDED", "object": {"metadata": {"resourceVer', CUT)

    await eventually(lambda: current.names)
    assert current.changes == [("a", False, True, Seen.WATCHED)]


@pytest.mark.parametrize("code", [410, 500])
async def test_error_event_and_forgotten_history(server: FakeApiServer, current: Mirror, code: int) -> None:
    """After an error on the watch a new list tells what went and came meanwhile, as seen by a list."""
    for name in "abc":
        server.put(pod(name))
    await eventually(lambda: len(current.names) == 3)
    current.changes.clear()
    server.muted = True
    server.delete("a")
    server.put(pod("d"))
    server.compact()
    server.muted = False
    server.error(code)

    await eventually(lambda: "d" in current.names)
    assert current.changes == [("a", True, False, Seen.LISTED), ("d", False, True, Seen.LISTED)]
    await eventually(lambda: current.reflector.fresh)


async def test_deletions_while_the_version_expires(server: FakeApiServer, current: Mirror) -> None:
    """Pods deleted while no watch was open, and forgotten by the server, are found gone."""
    for number in range(10):
        server.put(pod(f"p{number}"))
    await eventually(lambda: len(current.names) == 10)
    server.muted = True
    for number in range(7):
        server.delete(f"p{number}")
    server.compact()
    server.muted = False
    server.send(CUT)

    await eventually(lambda: len(current.names) == 3)
    assert current.gone == [(f"p{number}", Seen.LISTED) for number in range(7)]


async def test_replaced_while_not_watched(server: FakeApiServer, current: Mirror) -> None:
    """A pod that was replaced by one of the same name is a change from one to the other."""
    server.put(pod("web-0", uid="first"))
    await eventually(lambda: current.names)
    current.changes.clear()
    server.muted = True
    server.delete("web-0")
    server.put(pod("web-0", uid="second"))
    server.muted = False
    server.error(410)

    await eventually(lambda: current.changes)
    assert current.changes == [("web-0", True, True, Seen.LISTED)]


async def test_expired_continue_starts_over(server: FakeApiServer, mirror: Mirror) -> None:
    """When the list expires between two pages, it is begun again; the pages read before count for nothing."""
    for name in "abcdef":
        server.put(pod(name))
    pages = Counter[str]()

    def expire() -> None:
        pages["read"] += 1
        if pages["read"] == 2:
            server.delete("a")
            server.compact()

    server.on_page = expire
    async with running(mirror.reflector):
        await mirror.reflector.synced_event.wait()

    assert mirror.names == set("bcdef")
    assert mirror.gone == []


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"message": "etcd is away"}),
        (429, {"message": "storage is (re)initializing"}),
        (403, {"message": "pods is forbidden"}),
        (200, {}),
        (200, {"kind": "PodList", "items": []}),
        (200, {"kind": "PodList", "metadata": {"resourceVersion": "999"}}),
        (200, {"items": [{"metadata": {}}], "metadata": {"resourceVersion": "999"}}),
        (200, []),
        (200, "a page of a proxy"),
    ],
)
@pytest.mark.parametrize("page", [0, 1])
async def test_failed_list_changes_nothing(
    server: FakeApiServer, current: Mirror, page: int, answer: tuple[int, object]
) -> None:
    """A list that fails, or is none, on any of its pages leaves the mirror as it was and says what is wrong."""
    for name in "abcdef":
        server.put(pod(name))
    await eventually(lambda: len(current.names) == 6)
    current.changes.clear()
    # The list goes on failing until the test says otherwise.
    server.answers.extend([*[None] * page, answer] * 50)
    server.error(410)
    await eventually(lambda: len(server.lists) > page + 2)

    assert current.reflector.problem
    assert not current.reflector.fresh
    assert current.reflector.synced
    server.delete("a")
    server.answers.clear()
    await eventually(lambda: current.reflector.fresh and len(current.names) == 5)
    assert [name for name, _ in current.gone] == ["a"]
    assert len(current.changes) == 1


async def test_empty_list_may_be_null(server: FakeApiServer, mirror: Mirror) -> None:
    """A list whose items are null is an empty one."""
    server.answers.append((200, {"kind": "PodList", "items": None, "metadata": {"resourceVersion": "100"}}))
    async with running(mirror.reflector):
        await mirror.reflector.synced_event.wait()

    assert mirror.names == set()


@pytest.mark.parametrize("line", [b"not JSON\n", b'{"type": "ADDED"}\n', b'{"type": "NEW", "object": {}}\n', b"[]\n"])
async def test_line_that_is_no_event(server: FakeApiServer, current: Mirror, line: bytes) -> None:
    """What a line that cannot be read might have told is fetched by a new list."""
    server.muted = True
    server.put(pod("a"))
    server.muted = False
    server.send(line)

    await eventually(lambda: current.names == {"a"})
    assert current.changes == [("a", False, True, Seen.LISTED)]


async def test_huge_event(server: FakeApiServer, current: Mirror) -> None:
    """An event of 3 MB, twice what etcd holds, is read."""
    server.put(pod("a", annotations={"large": "x" * 3_000_000}))

    await eventually(lambda: current.names == {"a"})
    assert len(server.watches) == 1


async def test_events_in_pieces(server: FakeApiServer, current: Mirror) -> None:
    """Events may arrive in pieces of any size, and several at once."""
    server.muted = True
    for name in "abc":
        server.put(pod(name))
    lines = b"".join(
        json.dumps(
            {"type": "ADDED", "object": {**pod(name), "metadata": {**pod(name)["metadata"], "resourceVersion": v}}}
        ).encode()
        + b"\n"
        for name, v in zip("abc", ("101", "102", "103"), strict=True)
    )
    server.send(*(lines[start : start + 50] for start in range(0, len(lines), 50)))

    await eventually(lambda: current.names == set("abc"))
    assert [seen for *_, seen in current.changes] == [Seen.WATCHED] * 3


async def test_burst(server: FakeApiServer, current: Mirror) -> None:
    """A thousand changes at once are all told, in their order."""
    for number in range(1000):
        server.put(pod(f"p{number}"))

    await eventually(lambda: len(current.names) == 1000)
    assert [name for name, *_ in current.changes] == [f"p{number}" for number in range(1000)]


async def test_silent_watch(server: FakeApiServer, client: Client) -> None:
    """A watch that is silent for too long is given up, and what it kept back is found."""
    mirror = Mirror(client, silence_seconds=0.2)
    async with running(mirror.reflector):
        await eventually(lambda: server.open_watches)
        server.muted = True
        server.put(pod("a"))
        server.muted = False

        await eventually(lambda: mirror.names == {"a"})


async def test_not_fresh_without_contact(server: FakeApiServer, client: Client) -> None:
    """A mirror that has heard nothing for a while is not fresh, and is again with the next bookmark."""
    now = 1000.0
    mirror = Mirror(client, clock=lambda: now, fresh_seconds=75.0)
    async with running(mirror.reflector):
        await eventually(lambda: mirror.reflector.fresh and server.open_watches)
        now += 75.0
        assert mirror.reflector.fresh
        now += 0.1
        await eventually(lambda: not mirror.reflector.fresh)
        server.bookmark()
        await eventually(lambda: mirror.reflector.fresh)


async def test_server_stopped_and_started(server: FakeApiServer, current: Mirror) -> None:
    """While the API server is away nothing changes and the mirror is not fresh; soon after it is back all is right."""
    server.put(pod("a"))
    await eventually(lambda: current.names)
    await server.stop()
    await eventually(lambda: not current.reflector.fresh)
    assert current.names == {"a"}
    assert "no answer" in current.reflector.problem
    server.delete("a")
    await server.start()

    await eventually(lambda: current.reflector.fresh and not current.names, within=2.0)
    assert current.gone == [("a", Seen.WATCHED)]


async def test_server_away_at_the_start(server: FakeApiServer, mirror: Mirror) -> None:
    """It may be started before the API server is."""
    server.put(pod("a"))
    await server.stop()
    async with running(mirror.reflector):
        await eventually(lambda: "no answer" in mirror.reflector.problem)
        assert not mirror.reflector.synced
        await server.start()
        await eventually(lambda: mirror.reflector.synced, within=2.0)

    assert mirror.names == {"a"}


async def test_missing_rule_is_named(server: FakeApiServer, mirror: Mirror) -> None:
    """Without the right to list, the problem says which rule is missing."""
    server.answers.extend([(403, {"message": "as the server says it"})] * 50)
    async with running(mirror.reflector):
        await eventually(lambda: "may not list pods" in mirror.reflector.problem)

    assert 'apiGroups: [""], resources: ["pods"], verbs: ["list"]' in mirror.reflector.problem
    assert "as the server says it" in mirror.reflector.problem


async def test_watch_forbidden(server: FakeApiServer, mirror: Mirror) -> None:
    """Without the right to watch, what is listed is there, and the problem says which rule is missing."""
    server.put(pod("a"))
    server.watch_answers.extend([(403, {"message": "no"})] * 50)
    async with running(mirror.reflector):
        await eventually(lambda: 'verbs: ["watch"]' in mirror.reflector.problem)

    assert mirror.names == {"a"}
    assert not mirror.reflector.fresh


@pytest.mark.parametrize("listed", [False, True])
async def test_version_that_goes_back(server: FakeApiServer, current: Mirror, listed: bool) -> None:  # noqa: FBT001
    """A restored API server is not believed, by watch or list, until it has passed the version seen before."""
    server.put(pod("a"))
    await eventually(lambda: current.names)
    server.delete("a")
    server.put(pod("a"))
    server.restore(50)
    server.muted = True
    server.delete("a")
    server.muted = False
    if listed:
        server.error(410)
    else:
        server.send(CUT)
    await eventually(lambda: "went back" in current.reflector.problem)
    current.changes.clear()

    assert not current.reflector.fresh
    assert current.names == {"a"}
    server.version = 500
    await eventually(lambda: current.reflector.fresh)
    assert current.gone == [("a", Seen.LISTED)]


async def test_older_event_on_the_watch(server: FakeApiServer, current: Mirror) -> None:
    """An event with a version older than the last one is not applied."""
    server.put(pod("a"))
    await eventually(lambda: current.names)
    server.restore(50)
    server.delete("a")

    await eventually(lambda: "went back" in current.reflector.problem)
    assert current.names == {"a"}
