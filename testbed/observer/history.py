"""The verdict on a run: every state that any reader could have seen, replayed from ZooKeeper's own log.

Polling and watching miss what is short; the log does not.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from testbed.observer import transaction_log
from testbed.zookeeper import Ensemble, ZooKeeper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.observer.transaction_log import Transaction

_EPOCH_BITS = 32


class History:
    """All transactions of a server since it was empty.

    Attributes:
        entries: Every transaction, sessions and errors included.
    """

    def __init__(self, entries: tuple[Transaction, ...]) -> None:
        """Take over a complete log.

        Raises:
            ValueError: Transactions are missing, as after a copy of a snapshot from another server.
        """
        for before, after in pairwise(entries):
            same_epoch = before.zxid >> _EPOCH_BITS == after.zxid >> _EPOCH_BITS
            if same_epoch and after.zxid != before.zxid + 1:
                raise ValueError(f"the log has nothing between {before.zxid:#x} and {after.zxid:#x}")
        self.entries = entries

    @classmethod
    def read(cls, zookeeper: ZooKeeper | Ensemble) -> History:
        """Read the log of a server, running or not, or of the leader of an ensemble."""
        server = zookeeper.leader if isinstance(zookeeper, Ensemble) else zookeeper
        return cls(tuple(transaction_log.read(server.data_dir)))

    @property
    def last_zxid(self) -> int:
        """The newest transaction, a mark to count from; 0 when there is none."""
        return self.entries[-1].zxid if self.entries else 0

    def transactions(self, *, after: int = 0, below: str = "/dubbo") -> list[Transaction]:
        """Return the transactions later than the zxid ``after`` that changed ``below`` or a node under it."""
        return [
            entry
            for entry in self.entries
            if entry.zxid > after and any(_is_at_or_below(change.path, below) for change in entry.operations)
        ]

    def states(self, path: str, *, after: int = 0) -> Iterator[tuple[Transaction, frozenset[str]]]:
        """Yield the names of the children of ``path`` after each transaction that touched them.

        The replay begins with the first transaction; those up to the zxid ``after`` are counted but not yielded. A
        transaction that removes and adds the same name touches it: readers are told, and see it there.
        """
        prefix = path.rstrip("/") + "/"
        children: set[str] = set()
        for entry in self.entries:
            touched = False
            for change in entry.operations:
                name = change.path.removeprefix(prefix)
                if not change.path.startswith(prefix) or "/" in name or change.kind not in {"create", "delete"}:
                    continue
                touched = True
                (children.add if change.kind == "create" else children.discard)(name)
            if touched and entry.zxid > after:
                yield entry, frozenset(children)


def _is_at_or_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")
