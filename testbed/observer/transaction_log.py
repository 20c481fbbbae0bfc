"""A ZooKeeper server's transaction log as values, read by the server's own classes.

The log is complete as far as it has been answered: a server writes before it replies. Standard library only.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed import java
from testbed.binaries import cache, replacing

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOURCE = Path(__file__).with_name("TransactionLog.java")


@dataclass(frozen=True, slots=True)
class Operation:
    """A change of one node.

    Attributes:
        kind: ``create``, ``delete``, ``setData`` or ``setACL``.
        path: Of the node.
        data: The new data of ``create`` and ``setData``.
        ephemeral_owner: The session that owns a created node; 0 for a persistent one.
    """

    kind: str
    path: str
    data: bytes = b""
    ephemeral_owner: int = 0


@dataclass(frozen=True, slots=True)
class Transaction:
    """What became visible at once.

    Attributes:
        zxid: ZooKeeper's number for it: epoch in the upper, counter in the lower 32 bits.
        time: Milliseconds since 1970, by the server's clock.
        session: Who asked for it.
        kind: That of an operation, or ``multi``, ``createSession``, ``closeSession``, ``error``.
        operations: In their order; a closed session deletes its ephemerals.
    """

    zxid: int
    time: int
    session: int
    kind: str
    operations: tuple[Operation, ...]


def read(data_dir: Path) -> Iterator[Transaction]:
    """Yield all transactions in the log of a data directory, oldest first; the server may run.

    Raises:
        subprocess.CalledProcessError: The log cannot be read.
    """
    classpath = f"{build()}:{java.zookeeper_classpath()}"
    command = [str(java.program("java")), "-XX:TieredStopAtLevel=1", "-cp", classpath, "TransactionLog"]
    done = subprocess.run([*command, str(data_dir / "version-2"), "0"], capture_output=True, check=True)
    return (_transaction(json.loads(line)) for line in done.stdout.splitlines())


def build() -> Path:
    """Compile the reader into the cache unless it is there; return the folder of its classes."""
    identity = f"{_SOURCE.read_text()}{java.zookeeper_classpath()}"
    folder = cache() / f"transaction-log-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    if not folder.exists():
        with replacing(folder) as unfinished:
            command = [str(java.program("javac")), "-cp", java.zookeeper_classpath(), "-d", str(unfinished)]
            subprocess.run([*command, str(_SOURCE)], check=True)
    return folder


def _transaction(entry: dict[str, Any]) -> Transaction:
    return Transaction(
        zxid=entry["zxid"],
        time=entry["time"],
        session=entry["session"],
        kind=entry["kind"],
        operations=tuple(
            Operation(
                kind=operation["kind"],
                path=operation["path"],
                data=base64.b64decode(operation.get("data", "")),
                ephemeral_owner=operation.get("ephemeralOwner", 0),
            )
            for operation in entry["operations"]
        ),
    )
