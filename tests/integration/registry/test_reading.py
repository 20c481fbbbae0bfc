"""What is read from a real ZooKeeper, and what is told of its changes."""

from collections.abc import Callable

import pytest
from kazoo.client import KazooClient

from dubbo_registrar.errors import RefusedError
from dubbo_registrar.model import Node
from dubbo_registrar.registry.mark import encode
from testbed.observer.history import History
from testbed.zookeeper import ZooKeeper
from tests.integration.registry.opened import MARK, OTHER_MARK, Opened

pytestmark = pytest.mark.asyncio

Directory = Callable[[str], str]


async def test_ensure(opened: Opened, plain: KazooClient, providers: Directory) -> None:
    """The directory and all above it are created; an inner class is encoded as Java does."""
    await opened.registry.ensure("com.acme.Cart$Inner")

    assert plain.get_children(providers("com.acme.Cart%24Inner")) == []


async def test_ensure_what_exists(opened: Opened, steady: ZooKeeper, root: str) -> None:
    """Ensuring a directory that is there leaves no trace in ZooKeeper's transaction log."""
    await opened.registry.ensure("com.acme.Cart")
    before = History.read(steady).last_zxid

    await opened.registry.ensure("com.acme.Cart")

    assert History.read(steady).last_zxid == before


async def test_interfaces(opened: Opened, plain: KazooClient, root: str) -> None:
    """Interfaces are listed by name, without what Dubbo keeps beside them and what is no encoded name."""
    for name in ("com.acme.Order", "com.acme.Cart%24Inner", "config", "mapping", "metadata", "%zz", "%2E", "%63onfig"):
        plain.create(f"/{root}/{name}", makepath=True)

    assert await opened.registry.interfaces() == ("com.acme.Cart$Inner", "com.acme.Order")


async def test_interfaces_without_root(opened: Opened) -> None:
    """There are no interfaces where there is no root."""
    assert await opened.registry.interfaces() == ()


async def test_read(opened: Opened, plain: KazooClient, providers: Directory) -> None:
    """Nodes of ours are read with their mark, those of others without."""
    plain.create(providers("com.acme.Cart") + "/ours", encode(MARK), makepath=True)
    plain.create(providers("com.acme.Cart") + "/java", b"10.0.0.1")
    plain.create(providers("com.acme.Cart") + "/go", b"")
    plain.create(providers("com.acme.Cart") + "/shell", None)

    assert await opened.registry.read("com.acme.Cart", {}) == {
        "ours": Node("ours", MARK),
        "java": Node("java", None),
        "go": Node("go", None),
        "shell": Node("shell", None),
    }


async def test_read_what_is_known(opened: Opened, plain: KazooClient, providers: Directory) -> None:
    """The data of known nodes is not read again; known nodes that are gone are left out."""
    plain.create(providers("com.acme.Cart") + "/known", b"", makepath=True)
    plain.create(providers("com.acme.Cart") + "/new", encode(MARK))
    known = {"known": Node("known", OTHER_MARK), "gone": Node("gone", OTHER_MARK)}

    assert await opened.registry.read("com.acme.Cart", known) == {
        "known": Node("known", OTHER_MARK),
        "new": Node("new", MARK),
    }


async def test_read_many(opened: Opened, plain: KazooClient, providers: Directory) -> None:
    """A directory with more nodes than are asked for at once is read completely."""
    plain.ensure_path(providers("com.acme.Cart"))
    for hundred in range(15):
        transaction = plain.transaction()
        for index in range(100):
            transaction.create(f"{providers('com.acme.Cart')}/{hundred}-{index}", encode(MARK))
        transaction.commit()

    nodes = await opened.registry.read("com.acme.Cart", {})

    assert nodes is not None
    assert len(nodes) == 1500
    assert {node.mark for node in nodes.values()} == {MARK}


async def test_watch(opened: Opened, plain: KazooClient, providers: Directory) -> None:
    """After each read, the next change is told once, however many follow."""
    plain.ensure_path(providers("com.acme.Cart"))
    await opened.registry.read("com.acme.Cart", {})
    await opened.registry.read("com.acme.Cart", {})

    for name in ("a", "b", "c"):
        plain.create(f"{providers('com.acme.Cart')}/{name}")
    await opened.eventually(lambda: opened.changes)
    assert set(await opened.registry.read("com.acme.Cart", {}) or ()) == {"a", "b", "c"}
    assert opened.changes == ["com.acme.Cart"]

    plain.delete(f"{providers('com.acme.Cart')}/a")
    await opened.eventually(lambda: len(opened.changes) > 1)
    assert opened.changes == ["com.acme.Cart"] * 2


async def test_watch_of_a_missing_directory(opened: Opened, plain: KazooClient, providers: Directory) -> None:
    """A directory that is not there is read as none, and its creation is told."""
    assert await opened.registry.read("com.acme.Cart", {}) is None

    plain.ensure_path(providers("com.acme.Cart"))

    await opened.eventually(lambda: opened.changes)
    assert await opened.registry.read("com.acme.Cart", {}) == {}


async def test_watch_of_a_deleted_directory(opened: Opened, plain: KazooClient, providers: Directory) -> None:
    """The end of a directory is told, and so is its return."""
    plain.ensure_path(providers("com.acme.Cart"))
    await opened.registry.read("com.acme.Cart", {})

    plain.delete(providers("com.acme.Cart"))
    await opened.eventually(lambda: opened.changes)
    assert await opened.registry.read("com.acme.Cart", {}) is None
    opened.changes.clear()
    plain.ensure_path(providers("com.acme.Cart"))

    await opened.eventually(lambda: opened.changes)
    assert opened.changes == ["com.acme.Cart"]


async def test_a_node_that_only_its_author_may_read(opened: Opened, plain: KazooClient, providers: Directory) -> None:
    """It is somebody else's, and keeps nothing else of the directory from being read."""
    closed = plain.get_acls("/")[0][0]._replace(perms=0)
    plain.create(providers("com.acme.Cart") + "/ours", encode(MARK), makepath=True)
    plain.create(providers("com.acme.Cart") + "/secret", b"10.0.0.1", acl=[closed])

    assert await opened.registry.read("com.acme.Cart", {}) == {
        "ours": Node("ours", MARK),
        "secret": Node("secret", None),
    }


async def test_what_may_not_be_listed(opened: Opened, plain: KazooClient, root: str, providers: Directory) -> None:
    """A root or directory that we may not list is said to be refused, not to be away."""
    closed = plain.get_acls("/")[0][0]._replace(perms=0)
    plain.ensure_path(providers("com.acme.Cart"))
    for path in (providers("com.acme.Cart"), f"/{root}"):
        plain.set_acls(path, [closed])

    with pytest.raises(RefusedError, match=f"access list of {providers('com.acme.Cart')} "):
        await opened.registry.read("com.acme.Cart", {})
    with pytest.raises(RefusedError, match=f"access list of /{root} "):
        await opened.registry.interfaces()
