"""The reflector and the client on a real API server: what the fake one plays is what the real one does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from dubbo_registrar.errors import KubernetesForbiddenError, KubernetesRefusedError, KubernetesUnavailableError
from dubbo_registrar.kube.client import Client, Resource
from dubbo_registrar.kube.cluster import cluster_id
from dubbo_registrar.kube.reflector import Reflector, Seen
from dubbo_registrar.model import ObjectKey
from testbed.bed import TestBed
from testbed.waiting import wait_until
from tests.integration.kube.mirror import Mirror, eventually, kubeconfig, logged_in, running

NAMESPACE = "mirror"
PODS = Resource("pods", namespace=NAMESPACE)


@pytest.fixture(scope="module", autouse=True)
def _namespace(bed: TestBed) -> Iterator[None]:
    bed.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    wait_until(lambda: bed.api.find("serviceaccounts", "default", namespace=NAMESPACE))
    yield
    bed.api.delete("namespaces", NAMESPACE)


@pytest_asyncio.fixture
async def real(bed: TestBed) -> AsyncIterator[Client]:
    """Log in with all rights."""
    async with logged_in(bed.control_plane.kubeconfig_path) as client:
        yield client


@pytest_asyncio.fixture
async def watched(real: Client) -> AsyncIterator[Mirror]:
    """Run a mirror of the pods of the namespace."""
    mirror = Mirror(real, PODS)
    async with running(mirror.reflector):
        await eventually(lambda: mirror.reflector.fresh)
        yield mirror


async def create(bed: TestBed, name: str, **labels: str) -> None:
    """Create a pod that kwok makes ready."""
    spec = {"containers": [{"name": "main", "image": "none", "ports": [{"name": "dubbo", "containerPort": 20880}]}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}
    await asyncio.to_thread(bed.api.create, pod, namespace=NAMESPACE)


async def delete(bed: TestBed, name: str) -> None:
    """Delete a pod without a grace period."""
    await asyncio.to_thread(lambda: bed.api.delete("pods", name, namespace=NAMESPACE, grace_seconds=0))


@pytest.mark.asyncio
async def test_life_of_a_pod(bed: TestBed, watched: Mirror) -> None:
    """A pod is seen with what decides a provider, until its deletion is watched."""
    key = ObjectKey(NAMESPACE, "life")
    await create(bed, "life", app="cart")
    await eventually(lambda: key in watched.reflector.objects and watched.reflector.objects[key].ready, within=20)
    pod = watched.reflector.objects[key]

    assert (pod.key, pod.phase, pod.labels["app"], pod.terminating) == (key, "Running", "cart", False)
    assert pod.addresses[0].startswith("10.64.")
    assert pod.containers[0].ports == {"dubbo": 20880}
    assert pod.containers[0].started_at is not None
    assert pod.containers[0].started_at >= pod.created_at > 0
    await delete(bed, "life")
    await eventually(lambda: key not in watched.reflector.objects)
    assert watched.gone == [("life", Seen.WATCHED)]


@pytest.mark.asyncio
async def test_label_selector(bed: TestBed, real: Client) -> None:
    """With a label selector only matching pods are there; one that no longer matches goes."""
    mirror = Mirror(real, PODS, labels="app=cart")
    await create(bed, "other", app="order")
    await create(bed, "chosen", app="cart")
    async with running(mirror.reflector):
        await eventually(lambda: mirror.names == {"chosen"})
        change = {"metadata": {"labels": {"app": "order"}}}
        await asyncio.to_thread(lambda: bed.api.patch("pods", "chosen", change, namespace=NAMESPACE))
        await eventually(lambda: mirror.names == set())
    for name in ("other", "chosen"):
        await delete(bed, name)


@pytest.mark.asyncio
async def test_pages(bed: TestBed, real: Client) -> None:
    """A list of more than one page is there whole."""
    names = {f"page-{number}" for number in range(501)}

    def fill() -> None:
        for name in names:
            bed.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}, namespace=NAMESPACE)

    await asyncio.to_thread(fill)
    reflector: Reflector[str] = Reflector(
        real,
        Resource("configmaps", namespace=NAMESPACE),
        project=lambda raw: str(raw["metadata"]["uid"]),
        on_change=lambda *_: None,
    )
    async with running(reflector):
        await reflector.synced_event.wait()
        assert names <= {key.name for key in reflector.objects}


@pytest.mark.asyncio
@pytest.mark.parametrize("end", ["stop_api_server", "kill_api_server"])
async def test_restart(bed: TestBed, watched: Mirror, end: str) -> None:
    """While the API server is away nothing changes; within 2 s of its return the mirror is fresh and follows again."""
    await create(bed, "stays")
    await eventually(lambda: "stays" in watched.names)
    stop: Callable[[], None] = getattr(bed.control_plane, end)
    await asyncio.to_thread(stop)
    try:
        await eventually(lambda: not watched.reflector.fresh)
        assert watched.names == {"stays"}
        assert watched.gone == []
    finally:
        await asyncio.to_thread(bed.control_plane.start_api_server)

    await eventually(lambda: watched.reflector.fresh, within=2.0)
    await delete(bed, "stays")
    await eventually(lambda: watched.names == set())
    assert watched.gone == [("stays", Seen.WATCHED)]


@pytest.mark.asyncio
async def test_without_rights(bed: TestBed) -> None:
    """An account without rights is told which rule is missing, and what to set instead of the cluster's id."""
    file = await asyncio.to_thread(lambda: bed.control_plane.kubeconfig("default", namespace=NAMESPACE))
    async with logged_in(file) as client:
        mirror = Mirror(client, PODS)
        async with running(mirror.reflector):
            await eventually(lambda: mirror.reflector.problem.startswith("the operator may not list pods"))
        with pytest.raises(KubernetesForbiddenError, match=r"set DUBBO_REGISTRAR_CLUSTER_ID.*may not get namespaces"):
            await cluster_id(client)


@pytest.mark.asyncio
async def test_resource_that_is_not_served(real: Client) -> None:
    """Where the custom resources were not applied, the problem says so."""
    mirror = Mirror(real, Resource("absences", "dubbo-registrar.io", "v1alpha1"))
    async with running(mirror.reflector):
        await eventually(lambda: "is its CustomResourceDefinition applied?" in mirror.reflector.problem)


@pytest.mark.asyncio
async def test_cluster_id(bed: TestBed, real: Client) -> None:
    """The cluster is known by the uid of its namespace kube-system."""
    assert await cluster_id(real) == bed.api.get("namespaces", "kube-system")["metadata"]["uid"]


@pytest.mark.asyncio
async def test_status_of_a_successor(bed: TestBed, real: Client) -> None:
    """A status meant for an object that was replaced by one of the same name is refused."""
    await create(bed, "replaced")
    key = ObjectKey(NAMESPACE, "replaced")
    patch: dict[str, Any] = {"metadata": {"uid": "of-another"}, "status": {"message": "not for you"}}
    with pytest.raises(KubernetesRefusedError) as refusal:
        await real.patch_status(PODS, key, patch)

    assert refusal.value.status in (409, 422)
    assert (await real.get(PODS, key))["status"].get("message") is None
    await delete(bed, "replaced")


@pytest.mark.asyncio
async def test_absent_object(real: Client) -> None:
    """What is not there is refused with the status 404, what no one listens for is unavailable."""
    with pytest.raises(KubernetesRefusedError) as refusal:
        await real.get(PODS, ObjectKey(NAMESPACE, "nobody"))

    assert refusal.value.status == 404


@pytest.mark.asyncio
async def test_nobody_listens(tmp_path: Path) -> None:
    """An address where nobody listens is known to be unavailable at once."""
    async with logged_in(kubeconfig("https://127.0.0.1:1", tmp_path)) as client, asyncio.timeout(1):
        with pytest.raises(KubernetesUnavailableError, match="no answer from the API server"):
            await client.get(PODS, ObjectKey(NAMESPACE, "any"))
