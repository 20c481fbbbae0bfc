"""When a status is written: on change, at once, then once a second, until it is there or the object is gone."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from functools import wraps
from typing import Any, ParamSpec, cast

import pytest

from dubbo_registrar.conditions import Condition, Truth
from dubbo_registrar.errors import KubernetesForbiddenError, KubernetesRefusedError, KubernetesUnavailableError
from dubbo_registrar.kube.client import Client, Resource
from dubbo_registrar.kube.status import StatusWriter
from dubbo_registrar.model import Declared, ObjectKey, Service
from dubbo_registrar.reporting import Report
from tests.unit.virtual_time import eventually, run

P = ParamSpec("P")

SERVICES = Resource("registryservices", "dubbo-registrar.io", "v1alpha1")
REGISTRIES = Resource("registries", "dubbo-registrar.io", "v1alpha1")


class Api:
    """The client, as far as the writer uses it: takes notes of the patches, fails as told."""

    def __init__(self) -> None:
        self.patches: list[tuple[float, str, Mapping[str, Any]]] = []
        """When each patch came in seconds, the name of the object, and the patch."""
        self.errors: deque[Exception] = deque()
        """What the next requests fail with."""
        self.on_request: Callable[[], None] = lambda: None

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Name of the object and message of its Ready condition, for each patch that was sent."""
        return [(name, patch["status"]["conditions"][0]["message"]) for _, name, patch in self.patches]

    async def patch_status(self, resource: Resource, key: ObjectKey, patch: Mapping[str, Any]) -> None:
        await asyncio.sleep(0)
        self.patches.append((asyncio.get_running_loop().time(), key.name, patch))
        self.on_request()
        if self.errors:
            raise self.errors.popleft()


@asynccontextmanager
async def writing(api: Api) -> AsyncIterator[StatusWriter]:
    """Run a writer. Should it end by itself, that is raised."""
    clock = asyncio.get_running_loop().time
    writer = StatusWriter(cast("Client", api), services=SERVICES, registries=REGISTRIES, clock=clock)
    task = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def declared(name: str, **status: object) -> Declared[Service]:
    """Make a RegistryService that has a status."""
    key = ObjectKey("shop", name)
    return Declared(key, f"uid-of-{name}", 3, deleted=False, value=None, problem="none", status=status)


def report(message: str, *, truth: Truth = Truth.TRUE, **fields: object) -> Report:
    """Make a report with one condition."""
    return Report((Condition("Ready", truth, "Reason", message),), fields)


def in_virtual_time(scenario: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Make a test of a scenario whose seconds pass at once."""

    @wraps(scenario)
    def at_once(*args: P.args, **kwargs: P.kwargs) -> None:
        run(scenario(*args, **kwargs))

    return at_once


@in_virtual_time
async def test_first_report() -> None:
    """The first report is written whole, for this very object; fields that are not reported any more go."""
    api = Api()
    async with writing(api) as writer:
        writer.report_service(declared("cart", former=1), report("fine", registered="3/3"))
        await eventually(lambda: api.patches)

    ((_, _, patch),) = api.patches
    assert patch["metadata"] == {"uid": "uid-of-cart"}
    assert patch["status"]["registered"] == "3/3"
    assert patch["status"]["observedGeneration"] == 3
    assert patch["status"]["former"] is None
    assert patch["status"]["conditions"][0]["status"] == "True"


@in_virtual_time
async def test_same_report() -> None:
    """What an object's status says already is not written: not again, and not after a restart of the operator."""
    api = Api()
    async with writing(api) as writer:
        writer.report_service(declared("cart"), report("fine"))
        await eventually(lambda: api.patches)
        writer.report_service(declared("cart"), report("fine"))
        writer.report_service(declared("marker"), report("fine"))
        await eventually(lambda: len(api.patches) > 1)
    status = api.patches[0][2]["status"]
    async with writing(api) as writer:
        writer.report_service(declared("cart", **status), report("fine"))
        writer.report_service(declared("marker"), report("fine"))
        await eventually(lambda: len(api.patches) > 2)

    assert api.messages == [("cart", "fine"), ("marker", "fine"), ("marker", "fine")]


@in_virtual_time
async def test_time_of_transition() -> None:
    """A condition keeps its time while its status stays the same."""
    api = Api()
    entry = {"type": "Ready", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}
    async with writing(api) as writer:
        writer.report_service(declared("stays", conditions=[entry]), report("fine"))
        writer.report_service(declared("turns", conditions=[entry]), report("bad", truth=Truth.FALSE))
        await eventually(lambda: len(api.patches) == 2)

    times = {name: patch["status"]["conditions"][0]["lastTransitionTime"] for _, name, patch in api.patches}
    assert times["stays"] == "2020-01-01T00:00:00Z"
    assert times["turns"] > "2026"


@in_virtual_time
async def test_once_a_second() -> None:
    """Of the reports within a second after a write only the last one is written, when the second is over."""
    api = Api()
    async with writing(api) as writer:
        writer.report_service(declared("cart"), report("first"))
        await eventually(lambda: api.patches)
        for number in range(5):
            writer.report_service(declared("cart"), report(f"report {number}"))
        await eventually(lambda: len(api.patches) == 2)

    assert api.messages == [("cart", "first"), ("cart", "report 4")]
    assert api.patches[1][0] - api.patches[0][0] >= 1.0


@in_virtual_time
async def test_another_object_does_not_wait() -> None:
    """The first report of an object is written at once, also while another object's second is not over."""
    api = Api()
    async with writing(api) as writer:
        writer.report_service(declared("cart"), report("first"))
        await eventually(lambda: api.patches)
        writer.report_service(declared("cart"), report("second"))
        # The writer has seen it, and waits.
        for _ in range(5):
            await asyncio.sleep(0)
        writer.report_service(declared("main"), report("first"))
        await eventually(lambda: ("main", "first") in api.messages)

    assert api.messages == [("cart", "first"), ("main", "first")]


@pytest.mark.parametrize("error", [KubernetesUnavailableError("away"), KubernetesForbiddenError("no rule")])
@in_virtual_time
async def test_tried_again(error: Exception) -> None:
    """What could not be written is written later, as it is to be by then."""
    api = Api()
    api.errors.append(error)
    async with writing(api) as writer:
        writer.report_service(declared("cart"), report("first"))
        await eventually(lambda: api.patches)
        writer.report_service(declared("cart"), report("second"))
        await eventually(lambda: len(api.patches) == 2)

    assert api.messages == [("cart", "first"), ("cart", "second")]


@pytest.mark.parametrize("status", [404, 409, 422])
@in_virtual_time
async def test_gone(status: int) -> None:
    """A status that is refused, because the object is gone or another one, is given up; others are written."""
    api = Api()
    api.errors.append(KubernetesRefusedError("no such object", status=status))
    async with writing(api) as writer:
        writer.report_service(declared("gone"), report("first"))
        await eventually(lambda: api.patches)
        writer.report_service(declared("cart"), report("first"))
        await eventually(lambda: len(api.patches) == 2)

    assert api.messages == [("gone", "first"), ("cart", "first")]


@in_virtual_time
async def test_forgotten_while_it_is_written() -> None:
    """An object that is forgotten while its status is being written, in vain, is not tried again."""
    api = Api()
    api.errors.append(KubernetesUnavailableError("away"))
    async with writing(api) as writer:
        api.on_request = lambda: writer.forget("uid-of-gone")
        writer.report_service(declared("gone"), report("first"))
        await eventually(lambda: api.patches)
        writer.report_service(declared("cart"), report("first"))
        await eventually(lambda: len(api.patches) == 2)

    assert api.messages == [("gone", "first"), ("cart", "first")]


@pytest.mark.parametrize("odd", [None, "x", 1, {"type": "Ready"}, ["x"], [None], [{"type": None}]])
@in_virtual_time
async def test_former_conditions_of_any_form(odd: object) -> None:
    """A status that was stored before there was a schema is replaced, and does not end the writer."""
    api = Api()
    async with writing(api) as writer:
        writer.report_service(declared("cart", conditions=odd), report("fine"))
        await eventually(lambda: api.messages == [("cart", "fine")])
