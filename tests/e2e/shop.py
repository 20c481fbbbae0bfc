"""What every end-to-end test plays with: a namespace, a ZooKeeper, an operator, pods and consumers of its own.

It acts as users do (objects in, status and calls out) and looks at ZooKeeper with a plain client; it asserts nothing by
itself but what `assert_...` says.
"""

import contextlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Self

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from dubbo_registrar.dubbo.url import Url
from testbed.api import ApiError, Object
from testbed.bed import TestBed
from testbed.dubbo import Call, Consumer, ConsumerKind, Reference
from testbed.pod import DRAIN_SECONDS, PROVIDER
from testbed.registrar import Registrar
from testbed.waiting import wait_until
from testbed.zookeeper import ZooKeeper

OPERATOR_NAMESPACE = "dubbo-registrar"
CART = Reference("demo.CartService", group="eu", version="1.0.0")
ORDER = Reference("demo.OrderService", version="2.1.0")
BOTH = (CART, ORDER)
PORT = 20880
ALL_KINDS: tuple[ConsumerKind, ...] = ("java-2.6", "java-2.7", "java-3.3", "dubbo-go")


class Shop:
    """One test's world."""

    def __init__(self, bed: TestBed) -> None:
        """Plan it; `start` begins."""
        self.bed = bed
        self.api = bed.api
        self.namespace = f"shop-{uuid.uuid4().hex[:8]}"
        self.zookeeper = ZooKeeper(bed.folder / self.namespace)
        self.registrar = Registrar(bed, name=f"registrar-{self.namespace}")
        self._consumers: list[Consumer] = []
        self._client: KazooClient | None = None

    def __enter__(self) -> Self:
        self.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        return self

    def __exit__(self, *_: object) -> None:
        last_first = (self.zookeeper.close, self.registrar.stop, self._dismiss_reader, self._clean_up)
        with contextlib.ExitStack() as endings:  # every one of them, whichever fails
            for end in (*last_first, self.stop_consumers):
                endings.callback(end)

    # What a team declares

    def open(self, *, zookeeper: bool = True, registrar: bool = True) -> Self:
        """Start ZooKeeper and the operator, and declare the Registry `default`."""
        if zookeeper:
            self.zookeeper.start()
        self.declare_registry()
        if registrar:
            self.registrar.start()
        return self

    def declare_registry(self, name: str = "default", **spec: object) -> None:
        """Apply a Registry for this shop's ZooKeeper."""
        self.api.apply(
            {
                "apiVersion": "dubbo-registrar.io/v1alpha1",
                "kind": "Registry",
                "metadata": {"name": name},
                "spec": {"address": f"zookeeper://{self.zookeeper.hosts}", **spec},
            },
            namespace=OPERATOR_NAMESPACE,
        )

    def declare_service(
        self, name: str = "cart", *, app: str = "", references: Sequence[Reference] = BOTH, **spec: object
    ) -> None:
        """Apply a RegistryService for the pods of a deployment; `spec` replaces or adds fields."""
        interfaces = [
            {
                key: value
                for key, value in {"name": r.interface, "group": r.group, "version": r.version}.items()
                if value
            }
            for r in references
        ]
        self.api.apply(
            {
                "apiVersion": "dubbo-registrar.io/v1alpha1",
                "kind": "RegistryService",
                "metadata": {"name": name},
                "spec": {
                    "selector": {"matchLabels": {"app": app or name}},
                    "protocols": [{"name": "dubbo", "port": "dubbo"}],
                    "interfaces": interfaces,
                    **spec,
                },
            },
            namespace=self.namespace,
        )

    def deploy(
        self,
        name: str = "cart",
        *,
        replicas: int = 3,
        kind: str | None = "dubbo-go",
        references: Sequence[Reference] = BOTH,
        protocol: str = "dubbo",
        port: int = PORT,
        port_name: str = "dubbo",
        drain_seconds: int = 0,
        annotations: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        strategy: Mapping[str, Any] | None = None,
        generation: str = "1",
    ) -> None:
        """Apply a Deployment whose pods run real providers (without `kind`: whose pods only seem to run).

        Another `generation` rolls the Deployment over.
        """
        services = [{"interface": r.interface, "group": r.group, "version": r.version} for r in references]
        specification = {"kind": kind, "protocol": protocol, "port": port, "services": services}
        marks = {DRAIN_SECONDS: str(drain_seconds), "generation": generation, **(annotations or {})}
        if kind is not None:
            marks[PROVIDER] = json.dumps(specification)
        container = {
            "name": "provider",
            "image": "provider",
            "ports": [{"name": port_name, "containerPort": port}],
        }
        self.api.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": {"deployment": name}},
                    "strategy": dict(strategy or {}),
                    "template": {
                        "metadata": {
                            "labels": {"deployment": name, "app": name, **(labels or {})},
                            "annotations": marks,
                        },
                        "spec": {
                            "containers": [container],
                            "terminationGracePeriodSeconds": drain_seconds + 10,
                        },
                    },
                },
            },
            namespace=self.namespace,
        )

    def scale(self, name: str, replicas: int) -> None:
        """Change the number of a deployment's pods."""
        self.api.patch("deployments", name, {"spec": {"replicas": replicas}}, namespace=self.namespace)

    # What can be seen

    @property
    def reader(self) -> KazooClient:
        """A plain ZooKeeper client, a new one whenever the last one has lost its connection."""
        if self._client is None or not self._client.connected:
            self._dismiss_reader()
            self._client = self.zookeeper.client()
        return self._client

    def pods(self, app: str = "cart") -> list[Object]:
        """Return the pods of a deployment."""
        return self.api.list("pods", namespace=self.namespace, labels=f"app={app}")

    def ready_addresses(self, app: str = "cart", *, port: int = PORT) -> set[str]:
        """Return `host:port` of the pods that are ready and stay."""
        return {f"{pod['status']['podIP']}:{port}" for pod in self.pods(app) if is_ready(pod)}

    def urls(self, reference: Reference = CART, *, root: str = "dubbo") -> list[Url]:
        """Return what stands in the directory of an interface, as decoded provider URLs."""
        try:
            names = self.reader.get_children(f"/{root}/{reference.interface}/providers")
        except NoNodeError:
            return []
        return [Url.from_node_name(name) for name in names]

    def listed(self, reference: Reference = CART) -> set[str]:
        """Return `host:port` of every provider in the directory of an interface."""
        return {f"{url.host}:{url.port}" for url in self.urls(reference)}

    def status(self, name: str = "cart") -> dict[str, Any]:
        """Return the status of a RegistryService, empty while there is none."""
        found = self.api.find("registryservices", name, namespace=self.namespace)
        status: dict[str, Any] = (found or {}).get("status", {})
        return status

    def condition(self, kind: str, name: str = "cart") -> tuple[str, str, str]:
        """Return status, reason and message of a condition of a RegistryService."""
        return condition_of(self.status(name), kind)

    def wait_listed(
        self, expected: int, *, app: str = "cart", references: Iterable[Reference] = BOTH, timeout: float = 30.0
    ) -> set[str]:
        """Wait until exactly the ready pods, this many, stand in all directories; return their addresses."""

        def agrees() -> set[str]:
            ready = self.ready_addresses(app)
            return ready if len(ready) == expected and all(self.listed(r) == ready for r in references) else set()

        if expected:
            return wait_until(agrees, timeout=timeout, message=f"{expected} ready pods of {app} listed in ZooKeeper")
        wait_until(lambda: not any(self.listed(r) for r in references), timeout=timeout, message="nothing listed")
        return set()

    # What consumers see

    def consume(
        self, *kinds: ConsumerKind, references: Sequence[Reference] = BOTH, calls_per_second: int = 20
    ) -> list[Consumer]:
        """Start consumers, one after the other, and wait until each reference of each has been answered."""
        started = []
        for kind in kinds:
            name = f"{self.namespace}-{kind}-{len(self._consumers)}"
            consumer = Consumer(
                kind,
                zookeeper=self.zookeeper.hosts,
                references=references,
                log_dir=self.bed.logs,
                calls_per_second=calls_per_second,
                name=name,
            )
            consumer.start()
            self._consumers.append(consumer)
            started.append(consumer)
            wait_until(
                partial(answered, consumer, set(references)),
                timeout=90.0,
                message=f"{name} gets an answer for each of its references",
            )
        return started

    def stop_consumers(self) -> None:
        """Let all consumers finish their calls; one that cannot tell ZooKeeper so takes 15 s."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Consumer.stop, self._consumers))

    def wait_held(
        self,
        consumers: Iterable[Consumer],
        expected: set[str],
        *,
        references: Iterable[Reference] = BOTH,
        timeout: float,
    ) -> None:
        """Wait until the consumers' own lists hold exactly these addresses (one that shows no list: calls them all)."""
        for consumer in consumers:
            for reference in references:
                wait_until(
                    partial(holds, consumer, reference, expected, since=consumer.mark()),
                    timeout=timeout,
                    message=f"{consumer.kind} holds {sorted(expected)} for {reference.interface}",
                )

    def _clean_up(self) -> None:
        """Take back what was declared, as far as the operator still lives to let go of it."""
        for kind in ("deployments", "registryservices"):
            for item in self.api.list(kind, namespace=self.namespace):
                self._let_go(kind, item)
        wait_until(self._no_pods_left, timeout=60.0, message="all pods gone")
        for item in self.api.list("registries", namespace=OPERATOR_NAMESPACE):
            self._let_go("registries", item)

    def _no_pods_left(self) -> bool:
        """Have no pod drain any longer, those included that were made a moment ago; tell whether none is left."""
        pods = self.api.list("pods", namespace=self.namespace)
        for pod in pods:
            with contextlib.suppress(ApiError):
                self.api.delete("pods", pod["metadata"]["name"], namespace=self.namespace, grace_seconds=0)
        return not pods

    def _dismiss_reader(self) -> None:
        if self._client is not None:
            self._client.stop()
            self._client.close()

    def _let_go(self, kind: str, item: Object) -> None:
        namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]

        def gone() -> bool:
            with contextlib.suppress(ApiError):
                self.api.delete(kind, name, namespace=namespace)
                # Only now, because the operator would put its finalizer back before.
                self.api.patch(kind, name, {"metadata": {"finalizers": None}}, namespace=namespace)
            return self.api.find(kind, name, namespace=namespace) is None

        wait_until(gone, message=f"{kind} {name} is gone")


def answered(consumer: Consumer, references: set[Reference]) -> bool:
    """Tell whether each of the references was answered at least once."""
    return {call.reference for call in consumer.calls if call.ok} == references


def holds(consumer: Consumer, reference: Reference, expected: set[str], *, since: float) -> bool:
    """Tell whether a consumer's list is as expected; of one that shows none, whether it calls all of it since then."""
    return (consumer.providers(reference) or consumer.served_by(since)) == expected


def is_ready(pod: Object) -> bool:
    """Tell whether a pod is ready and stays."""
    conditions = pod.get("status", {}).get("conditions", [])
    return "deletionTimestamp" not in pod["metadata"] and any(
        c["type"] == "Ready" and c["status"] == "True" for c in conditions
    )


def condition_of(status: Mapping[str, Any], kind: str) -> tuple[str, str, str]:
    """Return status, reason and message of a condition; empty texts where there is none."""
    for condition in status.get("conditions", []):
        if condition["type"] == kind:
            return condition["status"], condition["reason"], condition["message"]
    return "", "", ""


def assert_all_calls_went_well(consumers: Iterable[Consumer], *, since: float, at_least: float) -> None:
    """Print how many calls each consumer made since then, and check that none failed and that enough were made.

    `at_least` is the number of calls a second for each reference that counts as enough.
    """
    for consumer in consumers:
        calls = [call for call in consumer.calls if call.at >= since]
        failed = [call for call in calls if not call.ok]
        seconds = max(call.at for call in calls) - since
        rate = len(calls) / seconds / len(consumer.references)
        print(
            f"{consumer.kind}: {len(calls)} calls in {seconds:.1f} s ({rate:.1f}/s a reference), {len(failed)} failed"
        )
        assert not failed, describe(failed)
        assert rate >= at_least, f"{consumer.kind} made only {rate:.1f} calls a second for each reference"


def describe(failed: Sequence[Call]) -> str:
    """Return the first failed calls in a few words each."""
    return "; ".join(f"{c.at:.3f} {c.reference.interface} {c.error}" for c in failed[:5]) + f" ({len(failed)} in all)"
