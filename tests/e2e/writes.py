"""What the operator wrote since a mark, provider by provider, from ZooKeeper's transaction log.

`tree_record.py` looks at a directory as its readers do, over time; this looks at all directories as the writer did, in
sum: a wrong delete shows here even if it was mended at once.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from testbed.observer.history import History
from testbed.observer.transaction_log import Transaction
from testbed.zookeeper import ZooKeeper
from tests.e2e.verdict import address_of


@dataclass(frozen=True, slots=True)
class Writes:
    """All transactions since a mark that made or deleted providers; what consumers write beside them does not count.

    Attributes:
        transactions: How many.
        added: How many nodes were made, by `host:port`.
        removed: How many nodes were deleted, by `host:port`.
        last: When the last one was made, seconds since 1970; 0 when there is none.
    """

    transactions: int
    added: Counter[str]
    removed: Counter[str]
    last: float

    @classmethod
    def since(cls, zookeeper: ZooKeeper, mark: int = 0) -> Self:
        """Read what was written after the zxid `mark`, since the server was empty without one."""
        transactions, last = 0, 0.0
        added, removed = Counter[str](), Counter[str]()
        for entry in History.read(zookeeper).entries:
            made, deleted = list(_providers(entry, "create")), list(_providers(entry, "delete"))
            if entry.zxid > mark and (made or deleted):
                transactions, last = transactions + 1, entry.time / 1000
                added.update(made)
                removed.update(deleted)
        return cls(transactions, added, removed, last)


def _providers(transaction: Transaction, kind: str) -> Iterator[str]:
    """Yield the address of each provider whose node a transaction made or deleted."""
    for operation in transaction.operations:
        directory, _, _ = operation.path.rpartition("/")
        if operation.kind == kind and directory.endswith("/providers"):
            yield address_of(operation.path)
