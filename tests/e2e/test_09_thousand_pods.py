"""A thousand pods: all registered, at what cost in time, transactions, memory and, when all is quiet, processor."""

import os
import time
from pathlib import Path

from testbed.dubbo import Reference
from testbed.waiting import let_pass, wait_until
from tests.e2e.pod_record import PodRecord
from tests.e2e.shop import Shop
from tests.e2e.verdict import newest
from tests.e2e.writes import Writes

DEPLOYMENTS = 20
REPLICAS = 50
PODS = DEPLOYMENTS * REPLICAS
IDLE_SECONDS = 10.0
MEGABYTE = 1_000_000


def test_a_thousand_pods_over_twenty_services(shop: Shop) -> None:
    """All are registered within seconds of the last one being ready; a deployment that goes takes few transactions."""
    shop.open()
    for number in range(DEPLOYMENTS):
        shop.declare_service(f"service-{number}", references=[Reference(f"demo.Service{number}", version="1.0.0")])
    with PodRecord(shop.api, shop.namespace) as pods:
        wait_until(lambda: shop.status("service-0"), timeout=30.0, message="the operator works")
        empty, applied = shop.registrar.rss, time.time()
        for number in range(DEPLOYMENTS):
            shop.deploy(f"service-{number}", kind=None, replicas=REPLICAS)
        wait_until(lambda: len(pods.spells) == PODS, timeout=120.0, message="all pods are ready")
        ready = max(spell.start for spell in pods.spells)
        wait_until(lambda: _registered(shop) == PODS, timeout=60.0, message="all pods are registered")
    writes = Writes.since(shop.zookeeper)
    print(
        f"{PODS} pods: all ready {ready - applied:.1f} s after the first was applied, all registered "
        f"{writes.last - ready:+.2f} s after that; {writes.transactions} transactions; "
        f"RSS {empty / MEGABYTE:.0f} MB before, {shop.registrar.rss / MEGABYTE:.0f} MB now"
    )
    assert writes.added == dict.fromkeys((f"{spell.host}:20880" for spell in pods.spells), 1)
    assert not writes.removed
    assert writes.last - ready < 1.0
    assert shop.registrar.rss < 150 * MEGABYTE

    wait_until(lambda: _said_ready(shop) == DEPLOYMENTS, timeout=30.0, message="all services are said to be ready")
    busy = _processor_seconds(shop.registrar.pid)
    let_pass(IDLE_SECONDS)
    idle = (_processor_seconds(shop.registrar.pid) - busy) / IDLE_SECONDS
    print(f"idle: {idle:.1%} of a core over {IDLE_SECONDS:g} s; RSS {shop.registrar.rss / MEGABYTE:.0f} MB")
    assert idle < 0.02

    mark = newest(shop.zookeeper)
    leaving = {f"{spell.host}:20880" for spell in pods.spells if spell.pod.startswith("service-7-")}
    deleted = time.time()
    shop.api.delete("deployments", "service-7", namespace=shop.namespace)
    wait_until(lambda: _registered(shop) == PODS - REPLICAS, timeout=30.0, message="the pods are no longer listed")
    writes = Writes.since(shop.zookeeper, mark)
    print(f"{REPLICAS} pods gone {writes.last - deleted:.2f} s after the order, {writes.transactions} transactions")
    assert writes.removed == dict.fromkeys(leaving, 1)
    assert not writes.added
    assert writes.transactions <= REPLICAS / 5


def _registered(shop: Shop) -> int:
    """Count the providers in all directories by what ZooKeeper says of each directory, without reading their names."""
    stats = (shop.reader.exists(f"/dubbo/demo.Service{number}/providers") for number in range(DEPLOYMENTS))
    return sum(stat.children_count for stat in stats if stat is not None)


def _said_ready(shop: Shop) -> int:
    services = shop.api.list("registryservices", namespace=shop.namespace)
    return sum(service.get("status", {}).get("registered") == f"{REPLICAS}/{REPLICAS}" for service in services)


def _processor_seconds(pid: int) -> float:
    """Return the processor time of a process so far, in user and system mode (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
