"""Objects that were stored under another schema, or under none, come to the operator all the same: it survives them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from dubbo_registrar.errors import InvalidObjectError
from dubbo_registrar.kube.resources import parse_service
from testbed.api import ApiError
from testbed.waiting import wait_until
from tests.hostile import services
from tests.hostile.objects import service, without_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.bed import TestBed

_DEFINITION = Path(__file__).parents[3] / "crds" / "registryservices.dubbo-registrar.io.yaml"
_NAME = "olderservices.dubbo-registrar.io"
_COLLECTION = "/apis/dubbo-registrar.io/v1alpha1/namespaces/default/olderservices"


@pytest.fixture
def loose(bed: TestBed) -> Iterator[str]:
    """RegistryServices under another name and without a schema: the path of their collection."""
    definition = without_schema(yaml.safe_load(_DEFINITION.read_text()))
    definition["metadata"]["name"] = _NAME
    definition["spec"]["names"] = {"kind": "OlderService", "plural": "olderservices"}
    bed.api.apply(definition)
    wait_until(lambda: _served(bed), message="the definition is served")
    yield _COLLECTION
    bed.api.delete("customresourcedefinitions", _NAME)


def _served(bed: TestBed) -> bool:
    try:
        bed.api.request("GET", _COLLECTION)
    except ApiError:
        return False
    return True


def test_operator_survives_what_was_stored_before(bed: TestBed, loose: str) -> None:
    """Stored without a schema, each malformed or hostile object is refused by the operator; the good one is read."""
    for name, spec in [("good", services.SPEC), *((case.name, case.spec) for case in services.BAD)]:
        bed.api.request("POST", loose, body={**service(name, spec), "kind": "OlderService"})
    found = {raw["metadata"]["name"]: raw for raw in bed.api.request("GET", loose)["items"]}
    assert parse_service(found.pop("good")).interfaces
    assert len(found) == len(services.BAD)
    for raw in found.values():
        with pytest.raises(InvalidObjectError):
            parse_service(raw)
