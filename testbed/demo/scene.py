"""What the demo is about, and what can be seen of it: pods, nodes in ZooKeeper, calls. It waits for nothing."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, urlsplit

import urllib3
import yaml
from kazoo.exceptions import KazooException

from testbed.api import ApiError
from testbed.dubbo import Consumer, Reference
from testbed.pod import DRAIN_SECONDS, PROVIDER
from testbed.registrar import Registrar

if TYPE_CHECKING:
    from kazoo.client import KazooClient

    from testbed.api import Object
    from testbed.bed import TestBed
    from testbed.dubbo import ConsumerKind

NAMESPACE = "default"
_OPERATOR_NAMESPACE = "dubbo-registrar"
_EXAMPLES = Path(__file__).parents[2] / "examples"
_KINDS: tuple[ConsumerKind, ...] = ("java-2.7", "dubbo-go")


@dataclass(frozen=True, slots=True)
class PodLine:
    """A pod as ``kubectl get pods -o wide`` shows it."""

    name: str
    address: str
    ready: bool
    terminating: bool


class Scene:
    """The example's Deployment and RegistryService, the operator, ZooKeeper and two consumers.

    Attributes:
        registrar: The operator's process.
        consumers: Those that were started.
        references: What they call: the interfaces of the example.
    """

    def __init__(self, bed: TestBed) -> None:
        """Read the example; nothing is started or applied."""
        self.bed = bed
        self.registrar = Registrar(bed)
        self.consumers: list[Consumer] = []
        documents = list(yaml.safe_load_all((_EXAMPLES / "cart.yaml").read_text()))
        self._deployment, self._service = documents
        interfaces = self._service["spec"]["interfaces"]
        self.references = tuple(Reference(i["name"], i.get("group"), i.get("version")) for i in interfaces)
        self._reader: KazooClient | None = None
        self._seen: dict[str, frozenset[str]] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        """Declare the Registry and start the operator."""
        registry = yaml.safe_load((_EXAMPLES / "registry.yaml").read_text())
        registry["spec"]["address"] = f"zookeeper://{self.bed.zookeeper.hosts}"
        self.bed.api.apply(registry, namespace=_OPERATOR_NAMESPACE)
        self.registrar.start()
        self._reader = self.bed.zookeeper.client()

    def close(self) -> None:
        """End the consumers and the operator."""
        for consumer in self.consumers:
            consumer.stop()
        self.registrar.stop()
        if self._reader is not None:
            self._reader.stop()
            self._reader.close()

    def apply(self) -> None:
        """Apply the example, its pods with a real provider behind them."""
        template = self._deployment["spec"]["template"]
        template["metadata"]["annotations"] = self._annotations(template["spec"]["containers"][0])
        self.bed.api.apply(self._deployment, namespace=NAMESPACE)
        self.bed.api.apply(self._service, namespace=NAMESPACE)

    def scale(self, replicas: int) -> None:
        """Change the number of pods."""
        self.bed.api.patch("deployments", self._name, {"spec": {"replicas": replicas}}, namespace=NAMESPACE)

    def roll(self) -> None:
        """Replace every pod by a new one, as ``kubectl rollout restart`` does."""
        annotations = {"kubectl.kubernetes.io/restartedAt": "now"}
        patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        self.bed.api.patch("deployments", self._name, patch, namespace=NAMESPACE)

    def delete_pod(self) -> str:
        """Delete the first pod and return its name."""
        name = self.pods()[0].name
        self.bed.api.delete("pods", name, namespace=NAMESPACE)
        return name

    def consume(self) -> None:
        """Start the consumers."""
        for kind in _KINDS:
            consumer = Consumer(
                kind, zookeeper=self.bed.zookeeper.hosts, references=self.references, log_dir=self.bed.logs
            )
            consumer.start()
            self.consumers.append(consumer)

    def pods(self) -> list[PodLine]:
        """Return the pods, empty while the API server does not answer."""
        try:
            items = self.bed.api.list("pods", namespace=NAMESPACE, labels="app=cart")
        except (ApiError, urllib3.exceptions.HTTPError):
            return []
        return sorted((_pod_line(item) for item in items), key=lambda pod: pod.name)

    def ready(self) -> frozenset[str]:
        """Return the addresses of the pods that are ready and stay."""
        return frozenset(pod.address for pod in self.pods() if pod.ready and not pod.terminating)

    def listed(self, reference: Reference) -> frozenset[str]:
        """Return the addresses that stand in ZooKeeper for an interface; as last seen while it is away."""
        with self._lock:
            if self._reader is not None and self._reader.connected:
                try:
                    names = self._reader.get_children(f"/dubbo/{reference.interface}/providers")
                    addresses = frozenset(urlsplit(unquote_plus(name)).hostname or "" for name in names)
                    self._seen[reference.interface] = addresses
                except KazooException:
                    pass
            return self._seen.get(reference.interface, frozenset())

    def answered(self, consumer: Consumer) -> bool:
        """Tell whether a consumer got an answer from every interface."""
        return {call.reference for call in consumer.calls if call.ok} == set(self.references)

    def calls(self) -> tuple[int, int, Counter[str]]:
        """Return how many calls were made, how many failed, and how many each address answered."""
        calls = [call for consumer in self.consumers for call in consumer.calls]
        served = Counter(call.served.rpartition(":")[0] for call in calls if call.ok and call.served)
        return len(calls), sum(not call.ok for call in calls), served

    @property
    def _name(self) -> str:
        name: str = self._deployment["metadata"]["name"]
        return name

    def _annotations(self, container: dict[str, Any]) -> dict[str, str]:
        """Say in the test bed's words what the example says in Kubernetes's: what is served, and how a pod drains."""
        services = [{"interface": r.interface, "group": r.group, "version": r.version} for r in self.references]
        port = container["ports"][0]["containerPort"]
        provider = {"kind": "dubbo-go", "protocol": "dubbo", "port": port, "services": services}
        drain = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        return {PROVIDER: json.dumps(provider), DRAIN_SECONDS: str(drain)}


def _pod_line(item: Object) -> PodLine:
    conditions = item["status"].get("conditions", [])
    return PodLine(
        name=item["metadata"]["name"],
        address=item["status"].get("podIP", ""),
        ready=any(c["type"] == "Ready" and c["status"] == "True" for c in conditions),
        terminating="deletionTimestamp" in item["metadata"],
    )
