"""The cluster of the test bed: pods start, change their readiness, crash and end as those of a real one do."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import pytest

from testbed.api import ApiError
from testbed.namespace import POD_RANGE
from testbed.nodes import ANNOTATION
from testbed.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.api import Object
    from testbed.bed import TestBed

NAMESPACE = "cluster"
PROVIDER = {"kind": "dubbo-go", "protocol": "dubbo", "port": 20880, "services": [{"interface": "demo.CartService"}]}


@pytest.fixture(autouse=True)
def _namespace(bed: TestBed) -> Iterator[None]:
    bed.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    wait_until(lambda: bed.api.find("serviceaccounts", "default", namespace=NAMESPACE))
    yield
    for resource in ("deployments", "pods"):
        bed.api.request(
            "DELETE", f"/{'apis/apps' if resource == 'deployments' else 'api'}/v1/namespaces/{NAMESPACE}/{resource}"
        )
    wait_until(lambda: not bed.api.list("pods", namespace=NAMESPACE))


def pod(name: str, **annotations: str) -> Object:
    """Return a pod with annotations of the test bed."""
    metadata = {"name": name, "annotations": {ANNOTATION + key: value for key, value in annotations.items()}}
    spec = {"containers": [{"name": "main", "image": "none"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def deployment(name: str, *, replicas: int, version: str = "1", **annotations: str) -> Object:
    """Return a Deployment of such pods."""
    template = pod("", **annotations)
    labels = {"app": name}
    metadata = {"labels": {**labels, "version": version}, "annotations": template["metadata"]["annotations"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": metadata, "spec": template["spec"]},
        },
    }


def ready(item: Object) -> bool:
    """Whether a pod is Ready."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in item["status"].get("conditions", []))


def rolled_out(item: Object) -> bool:
    """Whether a Deployment has all its pods available, and no others."""
    status: dict[str, Any] = item["status"]
    wanted = item["spec"]["replicas"]
    counts = {status.get(key) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    return status.get("observedGeneration") == item["metadata"]["generation"] and counts == {wanted}


def test_pods_of_a_deployment_become_ready(bed: TestBed) -> None:
    """Controllers, scheduler and nodes turn a Deployment into Ready pods with addresses of the pod range."""
    bed.api.apply(deployment("web", replicas=3), namespace=NAMESPACE)
    wait_until(lambda: rolled_out(bed.api.get("deployments", "web", namespace=NAMESPACE)))

    pods = bed.api.list("pods", namespace=NAMESPACE, labels="app=web")
    addresses = {ip_address(item["status"]["podIP"]) for item in pods}

    assert [ready(item) for item in pods] == [True] * 3
    assert len(addresses) == 3
    assert all(address in ip_network(POD_RANGE) for address in addresses)


def test_readiness_follows_the_annotation(bed: TestBed) -> None:
    """A pod stops being Ready when its annotation says so, and becomes Ready again; its container goes on."""
    bed.api.create(pod("flapping", ready="false"), namespace=NAMESPACE)
    wait_until(lambda: get(bed, "flapping")["status"].get("podIP"))
    began = get(bed, "flapping")["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]

    assert not ready(get(bed, "flapping"))

    bed.api.annotate("pods", "flapping", {f"{ANNOTATION}ready": None}, namespace=NAMESPACE)
    wait_until(lambda: ready(get(bed, "flapping")))
    bed.api.annotate("pods", "flapping", {f"{ANNOTATION}ready": "false"}, namespace=NAMESPACE)
    wait_until(lambda: not ready(get(bed, "flapping")))

    container = get(bed, "flapping")["status"]["containerStatuses"][0]
    assert (began, 0) == (container["state"]["running"]["startedAt"], container["restartCount"])


def test_crashed_container_is_counted(bed: TestBed) -> None:
    """A crash ends the container, and its next start has a higher restart count."""
    bed.api.create(pod("crashing"), namespace=NAMESPACE)
    wait_until(lambda: ready(get(bed, "crashing")))
    bed.api.annotate("pods", "crashing", {f"{ANNOTATION}crash": "true"}, namespace=NAMESPACE)
    wait_until(lambda: "terminated" in get(bed, "crashing")["status"]["containerStatuses"][0]["state"])

    assert not ready(get(bed, "crashing"))

    bed.api.annotate("pods", "crashing", {f"{ANNOTATION}crash": None}, namespace=NAMESPACE)
    wait_until(lambda: ready(get(bed, "crashing")))

    assert get(bed, "crashing")["status"]["containerStatuses"][0]["restartCount"] == 1


def test_process_of_a_pod_serves_until_its_drain_is_over(bed: TestBed) -> None:
    """A pod with a provider is Ready once the process answers; a deleted one serves on for its drain time."""
    annotations = {"provider": json.dumps(PROVIDER), "drain-seconds": "1"}
    bed.api.create(pod("cart", **annotations), namespace=NAMESPACE)
    wait_until(lambda: ready(get(bed, "cart")))
    uid = get(bed, "cart")["metadata"]["uid"]
    bed.api.delete("pods", "cart", namespace=NAMESPACE)
    wait_until(lambda: bed.api.find("pods", "cart", namespace=NAMESPACE) is None)

    end = bed.kubelet.terminations[uid]
    grace = 30
    assert 1.0 <= end.sigterm - end.seen <= end.ended - end.seen < grace


def test_missing_right_is_refused(bed: TestBed) -> None:
    """The operator's service account may read pods and nothing like Secrets."""
    token = json.loads(bed.control_plane.kubeconfig("dubbo-registrar", namespace="dubbo-registrar").read_text())
    operator = bed.control_plane.client(token["users"][0]["user"]["token"])

    assert operator.list("pods", namespace=None) is not None
    with pytest.raises(ApiError) as refused:
        operator.list("secrets", namespace=None)
    assert refused.value.status == 403
    operator.close()


def get(bed: TestBed, name: str) -> Object:
    """Read a pod."""
    return bed.api.get("pods", name, namespace=NAMESPACE)
