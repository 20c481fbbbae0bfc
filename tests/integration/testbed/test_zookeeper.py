"""ZooKeeper servers of the test bed break as real ones do, and tell afterwards what any reader could have seen."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from kazoo.exceptions import NodeExistsError

from testbed.observer.history import History
from testbed.observer.watcher import Watcher
from testbed.waiting import wait_until
from testbed.zookeeper import CLIENT_PORT, Ensemble, ZooKeeper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazoo.client import KazooClient

PROVIDERS = "/dubbo/demo.CartService/providers"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeper]:
    """A server alone."""
    started = ZooKeeper(tmp_path_factory.mktemp("zookeeper"))
    started.start()
    yield started
    started.close()


@pytest.fixture
def client(server: ZooKeeper) -> Iterator[KazooClient]:
    """A client of it; the tree is emptied afterwards."""
    started = server.client()
    started.ensure_path(PROVIDERS)
    yield started
    started.delete("/dubbo", recursive=True)
    started.stop()
    started.close()


def test_gap_of_one_transaction_is_seen(server: ZooKeeper, client: KazooClient) -> None:
    """The history shows a list that was empty between two transactions, and none where one transaction replaced it."""
    mark = History.read(server).last_zxid
    client.create(f"{PROVIDERS}/one")
    replacement = client.transaction()
    replacement.delete(f"{PROVIDERS}/one")
    replacement.create(f"{PROVIDERS}/two")
    replacement.commit()
    client.delete(f"{PROVIDERS}/two")
    client.create(f"{PROVIDERS}/three")

    states = [set(children) for _, children in History.read(server).states(PROVIDERS, after=mark)]

    assert [{"one"}, {"two"}, set(), {"three"}] == states


def test_failed_transaction_changes_no_state(server: ZooKeeper, client: KazooClient) -> None:
    """A transaction that was rolled back is in the log but in no state."""
    mark = History.read(server).last_zxid
    rolled_back = client.transaction()
    rolled_back.create(f"{PROVIDERS}/never")
    rolled_back.delete(f"{PROVIDERS}/absent")
    rolled_back.commit()
    history = History.read(server)

    assert history.last_zxid > mark
    assert history.transactions(after=mark) == []


def test_watcher_counts_callbacks(server: ZooKeeper, client: KazooClient, tmp_path: Path) -> None:
    """A change of two nodes in one transaction is one callback for a client that watches the list."""
    watcher = Watcher(server.hosts, PROVIDERS, logs=tmp_path)
    watcher.start()
    change = client.transaction()
    change.create(f"{PROVIDERS}/one")
    change.create(f"{PROVIDERS}/two")
    change.commit()
    wait_until(lambda: watcher.callbacks)
    watcher.stop()

    assert [set(), {"one", "two"}] == [reading.children for reading in watcher.readings]


def test_expired_session_loses_its_nodes(server: ZooKeeper, client: KazooClient) -> None:
    """An expired session takes its ephemerals with it, in one transaction of the log, and its owner gets a new one."""
    owner = server.client()
    expired = owner.client_id
    owner.create(f"{PROVIDERS}/mine", ephemeral=True)
    server.expire(expired)
    wait_until(lambda: owner.connected and owner.client_id not in {expired, None})

    last = History.read(server).transactions(below=PROVIDERS)[-1]
    assert ("closeSession", expired[0]) == (last.kind, last.session)
    assert client.get_children(PROVIDERS) == []
    owner.stop()
    owner.close()


def test_partition_swallows_packets(server: ZooKeeper, client: KazooClient) -> None:
    """Behind a link that is down the server neither answers nor refuses; on a healed one it answers again."""
    server.partition()
    with pytest.raises(TimeoutError):
        socket.create_connection((server.address, CLIENT_PORT), timeout=1.0)
    server.heal()
    server.wait_serving()

    assert client.exists(PROVIDERS) is not None


def test_restart_keeps_or_wipes(server: ZooKeeper) -> None:
    """A restarted server has its nodes, a wiped one has none."""
    before = server.client()
    before.create("/kept")
    server.restart()
    with pytest.raises(NodeExistsError):
        before.retry(before.create, "/kept")
    before.stop()
    before.close()
    server.restart(wipe=True)
    after = server.client()

    assert after.exists("/kept") is None
    after.stop()
    after.close()


def test_ensemble_survives_its_leader(tmp_path: Path) -> None:
    """Two of three servers elect a leader and keep what was written; the third one comes back with a complete log."""
    ensemble = Ensemble(tmp_path)
    ensemble.start()
    client = ensemble.client()
    client.create("/before")
    former = ensemble.leader
    former.kill()
    wait_until(lambda: any(server.serving for server in ensemble.servers))
    client.retry(client.create, "/after")
    former.start()
    client.stop()
    client.close()

    paths = [change.path for entry in History.read(former).entries for change in entry.operations]
    assert paths == ["/before", "/after"]
    ensemble.close()
