"""The proxy before the API server passes everything on, and fails as it is told."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from urllib3.exceptions import ProtocolError

from testbed.api import ApiError
from testbed.flaky_api import FlakyApi
from testbed.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.api import Api, Object
    from testbed.bed import TestBed


@pytest.fixture
def proxy(bed: TestBed) -> Iterator[FlakyApi]:
    """A proxy that passes everything on."""
    with FlakyApi(bed.control_plane) as started:
        yield started


@pytest.fixture
def client(bed: TestBed, proxy: FlakyApi) -> Iterator[Api]:
    """A client with all rights that goes through it."""
    through = bed.control_plane.client(server=proxy.server)
    yield through
    through.close()


def watch(client: Api) -> Iterator[Object]:
    """Watch the ConfigMaps of the default namespace from now on."""
    now = client.request("GET", "/api/v1/namespaces/default/configmaps")["metadata"]["resourceVersion"]
    return client.watch("configmaps", namespace="default", resource_version=now)


def config_map(name: str) -> Object:
    """Return an empty ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def test_cut_watch_breaks_in_the_middle(client: Api, proxy: FlakyApi) -> None:
    """A watch through the proxy delivers events until it is cut; the client is told that it did not end well."""
    events = watch(client)
    client.create(config_map("seen"))
    seen = next(events)
    cut = proxy.cut_watches()

    assert (seen["type"], seen["object"]["metadata"]["name"]) == ("ADDED", "seen")
    assert cut == 1
    with pytest.raises(ProtocolError):
        next(events)
    client.delete("configmaps", "seen")


def test_expired_watch_says_410_in_the_stream(client: Api, proxy: FlakyApi) -> None:
    """As many watches as asked for get an ERROR event, the next one works."""
    proxy.expire_watches(1)
    expired = list(watch(client))
    working = watch(client)
    client.create(config_map("later"))

    assert [(event["type"], event["object"]["code"]) for event in expired] == [("ERROR", 410)]
    assert next(working)["type"] == "ADDED"
    proxy.cut_watches()
    client.delete("configmaps", "later")


def test_failed_watch_says_500_in_the_stream(client: Api, proxy: FlakyApi) -> None:
    """A watch can also end with an error that has nothing to do with its version."""
    proxy.fail_watches(1)

    assert [(event["type"], event["object"]["code"]) for event in watch(client)] == [("ERROR", 500)]


def test_expired_token_ends_a_list_half_way(client: Api, proxy: FlakyApi) -> None:
    """Lists come in small pages; as many further pages as asked for are refused with 410, the next one is not."""
    proxy.expire_tokens(1, page_size=1)
    first = client.request("GET", "/api/v1/namespaces", query={"limit": "500"})
    following = {"limit": "500", "continue": first["metadata"]["continue"]}

    with pytest.raises(ApiError) as refused:
        client.request("GET", "/api/v1/namespaces", query=following)
    assert refused.value.status == 410
    second = client.request("GET", "/api/v1/namespaces", query=following)
    assert [len(first["items"]), len(second["items"])] == [1, 1]


def test_failing_answers_are_errors(client: Api, proxy: FlakyApi) -> None:
    """Every request fails while the proxy is told to fail, and none afterwards."""
    with proxy.failing(503), pytest.raises(ApiError) as failed:
        client.list("pods")

    assert failed.value.status == 503
    assert client.list("namespaces", namespace=None)


def test_held_request_is_answered_later(client: Api, proxy: FlakyApi) -> None:
    """A held request waits, and is answered when the hold is over."""
    answers: list[Object] = []
    with proxy.holding():
        request = threading.Thread(target=lambda: answers.extend(client.list("namespaces", namespace=None)))
        request.start()
        request.join(0.3)
        held = not answers
    wait_until(lambda: answers)
    request.join()

    assert held
