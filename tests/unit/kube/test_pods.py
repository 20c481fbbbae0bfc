"""Pods as they come from the API server, and as they never should, to what decides a provider."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubbo_registrar.kube.pods import project_pod
from dubbo_registrar.model import Container, ObjectKey, Pod

RUNNING = {"running": {"startedAt": "2026-11-21T07:13:20Z"}}


def raw_pod(**parts: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make a running pod; parts replace `metadata`, `spec` and `status` key by key."""
    whole: dict[str, Any] = {
        "metadata": {
            "namespace": "shop",
            "name": "cart-0",
            "uid": "4a1f",
            "labels": {"app": "cart"},
            "creationTimestamp": "2026-11-21T07:13:00Z",
            "managedFields": [{"manager": "kubelet"}],
        },
        "spec": {
            "nodeName": "node-1",
            "initContainers": [
                {"name": "migrate", "ports": [{"name": "never", "containerPort": 1}]},
                {"name": "proxy", "restartPolicy": "Always", "ports": [{"name": "admin", "containerPort": 15000}]},
            ],
            "containers": [
                {
                    "name": "cart",
                    "ports": [
                        {"name": "dubbo", "containerPort": 20880, "protocol": "TCP"},
                        {"containerPort": 8080},
                        {"name": "gossip", "containerPort": 7946, "protocol": "UDP"},
                    ],
                },
                {"name": "logs"},
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.64.0.2",
            "podIPs": [{"ip": "10.64.0.2"}, {"ip": "fd00::2"}],
            "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {"name": "cart", "state": RUNNING},
                {"name": "logs", "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
            ],
            "initContainerStatuses": [{"name": "proxy", "state": RUNNING}],
        },
    }
    return {name: {**part, **parts.get(name, {})} for name, part in whole.items()}


def projected(**parts: Any) -> Pod:  # noqa: ANN401
    """Project such a pod."""
    pod = project_pod(raw_pod(**parts))
    assert pod is not None
    return pod


def test_whole_pod() -> None:
    """All that decides a provider is taken over; sidecars come after the other containers, init containers never."""
    assert projected() == Pod(
        key=ObjectKey("shop", "cart-0"),
        uid="4a1f",
        labels={"app": "cart"},
        phase="Running",
        ready=True,
        terminating=False,
        addresses=("10.64.0.2", "fd00::2"),
        host_network=False,
        node="node-1",
        created_at=1795245180000,
        containers=(
            Container("cart", {"dubbo": 20880}, frozenset({20880, 8080}), 1795245200000),
            Container("logs"),
            Container("proxy", {"admin": 15000}, frozenset({15000}), 1795245200000),
        ),
    )


def test_new_pod() -> None:
    """A pod that was only just created has no address, is not ready and says so."""
    pod = projected(status={"phase": "Pending", "podIP": None, "podIPs": None, "conditions": None})

    assert (pod.phase, pod.addresses, pod.ready) == ("Pending", (), False)


def test_terminating() -> None:
    """A pod with a deletionTimestamp terminates, ready or not."""
    pod = projected(metadata={"deletionTimestamp": "2026-11-21T08:00:00Z"})

    assert (pod.terminating, pod.ready) == (True, True)


@pytest.mark.parametrize("status", ["False", "Unknown", True, None])
def test_ready_is_the_text_true(status: object) -> None:
    """Only the Ready condition with the status "True" makes a pod ready."""
    assert not projected(status={"conditions": [{"type": "Ready", "status": status}]}).ready


@pytest.mark.parametrize(
    "address", ["", "localhost", "10.64.0.2&router=evil", "fe80::1%any text", "10.64.0", 167772160, None, ["10.64.0.2"]]
)
def test_only_addresses_are_addresses(address: object) -> None:
    """What is no IP address is left out, so that no other text gets into a provider's URL."""
    assert projected(status={"podIP": address, "podIPs": [{"ip": address}]}).addresses == ()


def test_single_address() -> None:
    """A pod without `podIPs` has the address in `podIP`."""
    assert projected(status={"podIPs": None}).addresses == ("10.64.0.2",)


@pytest.mark.parametrize("number", [0, 65536, -1, "20880", 20880.0, True, None])
def test_only_port_numbers_are_ports(number: object) -> None:
    """What is no port from 1 to 65535 is left out."""
    (container,) = projected(
        spec={"containers": [{"name": "a", "ports": [{"name": "p", "containerPort": number}]}], "initContainers": []}
    ).containers

    assert container == Container("a")


@pytest.mark.parametrize("time", ["", "yesterday", "2026-11-21T07:13:00", 5, None, {}])
def test_odd_times(time: object) -> None:
    """A time that cannot be read is none."""
    pod = projected(
        metadata={"creationTimestamp": time},
        status={"containerStatuses": [{"name": "cart", "state": {"running": time}}]},
    )

    assert pod.created_at == 0
    assert pod.containers[0].started_at is None


@pytest.mark.parametrize("part", ["namespace", "name", "uid"])
@pytest.mark.parametrize("value", ["", None, 5])
def test_no_pod_at_all(part: str, value: object) -> None:
    """What has no namespace, name or uid is no pod."""
    assert project_pod(raw_pod(metadata={part: value})) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged_pods(draw: st.DrawFn) -> Any:  # noqa: ANN401
    """Draw a pod in which anything, at any depth, was replaced by anything."""
    pod = json.loads(json.dumps(raw_pod()))
    for _ in range(draw(st.integers(1, 4))):
        place: Any = pod
        while isinstance(place, dict | list) and place:
            key: Any = draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
            if draw(st.booleans()) or not isinstance(place[key], dict | list):
                place[key] = draw(JSON)
                break
            place = place[key]
    return pod


@given(JSON | damaged_pods())
def test_never_raises(raw: object) -> None:
    """Whatever is projected is a whole pod with usable parts, or none."""
    pod = project_pod(raw)

    assert pod is None or (pod.key.namespace and pod.key.name and pod.uid)
    if pod is not None:
        assert all(isinstance(value, str) for value in pod.labels.values())
        assert all(1 <= number <= 65535 for container in pod.containers for number in container.numbers)
        assert all(set(container.ports.values()) <= container.numbers for container in pod.containers)
