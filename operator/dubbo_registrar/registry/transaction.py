"""Transactions: a plan as operations on nodes, cut into batches, each committed as a whole or not at all.

Every write to a node passes through `commit`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote_plus

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError, RolledBackError, RuntimeInconsistency, ZookeeperError

from dubbo_registrar.errors import RefusedError
from dubbo_registrar.plan import Plan
from dubbo_registrar.registry.mark import encode
from dubbo_registrar.registry.session import Session

# A request above the server's jute.maxbuffer (1 MiB) ends the connection, with everything else that waits on it.
_MOST_OPERATIONS: Final = 100
_MOST_BYTES: Final = 256 * 1024
_OVERHEAD_BYTES: Final = 64
"""What an operation takes beside path and data: headers, lengths and the access list."""


class Verb(StrEnum):
    """What an operation does."""

    CREATE = "create"
    DELETE = "delete"
    REWRITE = "rewrite"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on a node of the directory that a transaction is about."""

    verb: Verb
    name: str
    data: bytes = b""


Batch = tuple[Operation, ...]
"""The operations of one transaction."""


class TransactionRefusedError(RefusedError):
    """ZooKeeper refused a transaction because of one of its operations."""

    def __init__(self, operation: Operation, cause: ZookeeperError) -> None:
        super().__init__(f"ZooKeeper refused to {operation.verb} {unquote_plus(operation.name)}: {_reason(cause)}")
        self.without_directory = operation.verb is Verb.CREATE and isinstance(cause, NoNodeError)
        """The directory that the node belongs in does not exist."""


def growing(plan: Plan) -> list[Operation]:
    """Return the operations of a plan that add providers or keep their number: creates and rewrites."""
    return [
        *(Operation(Verb.CREATE, create.name, encode(create.mark)) for create in plan.creates),
        *(Operation(Verb.REWRITE, rewrite.name, encode(rewrite.mark)) for rewrite in plan.rewrites),
    ]


def shrinking(plan: Plan) -> list[Operation]:
    """Return the operations of a plan that take providers away: its deletes."""
    return [Operation(Verb.DELETE, delete.name) for delete in plan.deletes]


def batches(directory: str, operations: Iterable[Operation]) -> Iterator[Batch]:
    """Cut operations, in order, into batches that one transaction can take."""
    batch: list[Operation] = []
    size = 0
    for operation in operations:
        length = _OVERHEAD_BYTES + len(directory) + len(operation.name) + len(operation.data)
        if batch and (len(batch) == _MOST_OPERATIONS or size + length > _MOST_BYTES):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(operation)
        size += length
    if batch:
        yield tuple(batch)


async def commit(session: Session, directory: str, batch: Batch) -> None:
    """Carry a batch out in one transaction.

    Raises:
        TransactionRefusedError: One of the operations could not be done; none was.
        UnknownOutcomeError, RegistryUnavailableError: As `Session.write`.
    """

    def submit(client: KazooClient) -> object:
        transaction = client.transaction()
        # The place for whatever a transaction must begin with.
        for operation in batch:
            path = f"{directory}/{operation.name}"
            match operation.verb:
                case Verb.CREATE:
                    transaction.create(path, operation.data)
                case Verb.DELETE:
                    transaction.delete(path)
                case Verb.REWRITE:
                    transaction.set_data(path, operation.data)
        return transaction.commit_async()

    try:
        results = await session.write(submit)
    except ZookeeperError as error:
        raise TransactionRefusedError(batch[0], error) from error
    # kazoo does not raise when an operation fails: it returns one exception for each operation.
    for operation, result in zip(batch, results, strict=True):
        if isinstance(result, ZookeeperError) and not isinstance(result, RolledBackError | RuntimeInconsistency):
            raise TransactionRefusedError(operation, result) from result


def _reason(error: ZookeeperError) -> str:
    texts = {
        "NodeExistsError": "a node of this name is there already",
        "NoNodeError": "there is no such node, or no directory for it",
        "NoAuthError": "the access list of the directory does not allow it",
    }
    kind = type(error).__name__
    return texts.get(kind, kind)
