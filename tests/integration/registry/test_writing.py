"""Plans carried out on a real ZooKeeper: what its transaction log says that readers could see, and what is refused."""

from collections.abc import Callable

import pytest
from kazoo.client import KazooClient

from dubbo_registrar.errors import RefusedError
from dubbo_registrar.model import Node
from dubbo_registrar.plan import Create, Delete, Plan, Rewrite
from dubbo_registrar.registry.mark import encode
from testbed.observer.history import History
from testbed.zookeeper import ZooKeeper
from tests.integration.registry.opened import MARK, OTHER_MARK, Opened

pytestmark = pytest.mark.asyncio

Directory = Callable[[str], str]
CART = "com.acme.Cart"


def creates(*names: str) -> Plan:
    """Return a plan that creates nodes."""
    return Plan(creates=tuple(Create(name, MARK) for name in names))


async def names(opened: Opened) -> set[str]:
    """Return the names of the nodes that are there."""
    return set(await opened.registry.read(CART, {}) or ())


async def test_one_transaction(opened: Opened, steady: ZooKeeper, providers: Directory) -> None:
    """A plan that fits is one transaction, whatever it consists of."""
    await opened.registry.ensure(CART)
    await opened.registry.apply(CART, creates("kept", "gone"))
    before = History.read(steady).last_zxid

    await opened.registry.apply(
        CART,
        Plan(
            creates=(Create("new", MARK),),
            rewrites=(Rewrite("kept", OTHER_MARK),),
            deletes=(Delete("gone"),),
        ),
    )

    assert len(History.read(steady).transactions(after=before, below=providers(CART))) == 1
    assert await opened.registry.read(CART, {}) == {
        "new": Node("new", MARK),
        "kept": Node("kept", OTHER_MARK),
    }


async def test_nodes_are_persistent(opened: Opened, plain: KazooClient, providers: Directory) -> None:
    """Nodes outlive the session that wrote them."""
    await opened.registry.ensure(CART)
    await opened.registry.apply(CART, creates("node"))

    data, stat = plain.get(f"{providers(CART)}/node")
    assert (data, stat.ephemeralOwner) == (encode(MARK), 0)


async def test_no_reader_sees_fewer(opened: Opened, steady: ZooKeeper, providers: Directory) -> None:
    """No reader could see fewer providers than there were before and are after, whatever the number of transactions."""
    old = [f"old-{index}" for index in range(450)]
    await opened.registry.ensure(CART)
    await opened.registry.apply(CART, creates(*old))
    before = History.read(steady).last_zxid

    await opened.registry.apply(
        CART,
        Plan(
            creates=tuple(Create(f"new-{index}", MARK) for index in range(400)),
            deletes=tuple(Delete(name) for name in old),
        ),
    )

    states = [state for _, state in History.read(steady).states(providers(CART), after=before)]
    assert len(states) == 4 + 5
    assert min(map(len, states)) >= 400
    assert len(states[-1]) == 400


async def test_refused(opened: Opened, plain: KazooClient, providers: Directory) -> None:
    """When a batch is refused, the other batches are done and no deletes are tried; the message names the culprit."""
    await opened.registry.ensure(CART)
    await opened.registry.apply(CART, creates("old"))
    plain.create(f"{providers(CART)}/dubbo%3A%2F%2Ftaken", b"somebody else's")
    wanted = [f"new-{index}" for index in range(250)]

    with pytest.raises(RefusedError, match="create dubbo://taken: a node of this name is there already"):
        await opened.registry.apply(
            CART,
            Plan(
                creates=tuple(Create(name, MARK) for name in [*wanted[:150], "dubbo%3A%2F%2Ftaken", *wanted[150:]]),
                deletes=(Delete("old"),),
            ),
        )

    assert await names(opened) == {"old", "dubbo%3A%2F%2Ftaken", *wanted[:100], *wanted[199:]}
    assert plain.get(f"{providers(CART)}/dubbo%3A%2F%2Ftaken")[0] == b"somebody else's"


async def test_refused_one_by_one(opened: Opened, plain: KazooClient, providers: Directory) -> None:
    """One by one, everything is done but the culprits; the message says how many there are."""
    await opened.registry.ensure(CART)
    await opened.registry.apply(CART, creates("gone"))
    plain.create(f"{providers(CART)}/taken")

    with pytest.raises(RefusedError, match=r"create taken: .* \(and 2 more like it\)"):
        await opened.registry.apply(
            CART,
            Plan(
                creates=(Create("new-1", MARK), Create("taken", MARK), Create("new-2", MARK)),
                rewrites=(Rewrite("not-there", MARK),),
                deletes=(Delete("gone"), Delete("never-there")),
            ),
            single=True,
        )

    assert await names(opened) == {"new-1", "new-2", "taken"}


async def test_missing_directory(opened: Opened) -> None:
    """A plan for a directory that is not there is refused, and the directory is there for the next attempt."""
    with pytest.raises(RefusedError, match="no directory"):
        await opened.registry.apply(CART, creates("node"))

    await opened.registry.apply(CART, creates("node"))

    assert await names(opened) == {"node"}


async def test_forbidden_directory(opened: Opened, plain: KazooClient, root: str) -> None:
    """A root where only others may create is reported as refused."""
    read_only = plain.get_acls("/")[0][0]._replace(perms=1)
    plain.create(f"/{root}", acl=[read_only])

    with pytest.raises(RefusedError, match=f"create /{root}/{CART}: NoAuthError"):
        await opened.registry.ensure(CART)
