"""What every reader of a directory could have seen, and who wrote what: verdicts from ZooKeeper's transaction log.

Tests that look at ZooKeeper now and then use the shop; what must hold at every moment is judged here.
"""

from collections.abc import Iterator

from dubbo_registrar.dubbo.url import Url
from testbed.dubbo import Reference
from testbed.observer.history import History
from testbed.observer.transaction_log import Operation, Transaction
from testbed.zookeeper import ZooKeeper


def providers_path(reference: Reference) -> str:
    """Return the directory of an interface."""
    return f"/dubbo/{reference.interface}/providers"


def address_of(path: str) -> str:
    """Return `host:port` of the provider whose node this is."""
    url = Url.from_node_name(path.rpartition("/")[2])
    return f"{url.host}:{url.port}"


def newest(zookeeper: ZooKeeper) -> int:
    """Return the zxid of the newest transaction, a mark to judge from."""
    return History.read(zookeeper).last_zxid


def written(zookeeper: ZooKeeper, *, after: int, below: str = "/dubbo") -> list[Operation]:
    """Return every change of a node at or below a path since a mark, in order."""
    return [
        operation
        for transaction in History.read(zookeeper).transactions(after=after, below=below)
        for operation in transaction.operations
        if f"{operation.path}/".startswith(f"{below}/")
    ]


def listed_states(
    zookeeper: ZooKeeper, reference: Reference, *, after: int
) -> Iterator[tuple[Transaction, frozenset[str]]]:
    """Yield `host:port` of all providers of an interface after each transaction that touched its directory."""
    for transaction, names in History.read(zookeeper).states(providers_path(reference), after=after):
        yield transaction, frozenset(map(address_of, names))


def removed_directories(zookeeper: ZooKeeper) -> list[str]:
    """Return the directories that were ever deleted: interfaces and their categories."""
    return [
        operation.path
        for operation in written(zookeeper, after=0)
        if operation.kind == "delete" and operation.path.count("/") <= len(("dubbo", "interface", "category"))
    ]
