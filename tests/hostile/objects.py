"""How the objects of the corpus are made: a good one, and changes to it. The corpus itself is in the modules beside."""

from copy import deepcopy
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

Object = dict[str, Any]

API_VERSION: Final = "dubbo-registrar.io/v1alpha1"
ABSENT: Final = object()
"""In a change: the field is taken away."""


class Gate(Enum):
    """Where an object is refused."""

    SCHEMA = auto()
    """The API server does not store it. The operator refuses it too, should one be stored all the same."""
    STATUS = auto()
    """No schema can know: the operator says in a condition of its status what is wrong."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A spec that is refused."""

    name: str
    """In words, with hyphens: also the name of the object."""
    spec: Any
    blames: str
    """`Gate.SCHEMA`: the path of the field that the operator names first. `Gate.STATUS`: the reason of `Ready`."""
    gate: Gate = Gate.SCHEMA


@dataclass(frozen=True, slots=True)
class Good:
    """A spec that is accepted."""

    name: str
    spec: Object


def service(name: str, spec: object) -> Object:
    """Return a RegistryService."""
    return {"apiVersion": API_VERSION, "kind": "RegistryService", "metadata": {"name": name}, "spec": spec}


def registry(name: str, spec: object) -> Object:
    """Return a Registry."""
    return {"apiVersion": API_VERSION, "kind": "Registry", "metadata": {"name": name}, "spec": spec}


def stored(manifest: Object) -> Object:
    """Return an object with the metadata that an API server adds."""
    added = {"namespace": "shop", "uid": "8e5e-01", "generation": 1, "creationTimestamp": "2026-11-21T07:22:05Z"}
    return {**manifest, "metadata": {**manifest["metadata"], **added}}


def without_schema(definition: Object) -> Object:
    """Return a custom resource definition under which any spec is stored, as an older one might have done."""
    loose = deepcopy(definition)
    (version,) = loose["spec"]["versions"]
    version.pop("selectableFields", None)
    schema = version["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"] = {"x-kubernetes-preserve-unknown-fields": True}
    del schema["required"]
    return loose


def changed(spec: Object, changes: dict[str, object]) -> Object:
    """Return a copy of a spec with other values at paths such as `interfaces/0/name`; an index past the end appends."""
    copy = deepcopy(spec)
    for path, value in changes.items():
        _put(copy, path.split("/"), deepcopy(value) if value is not ABSENT else value)
    return copy


def _put(target: Any, path: list[str], value: object) -> None:  # noqa: ANN401 - dictionaries and lists of anything
    head, *rest = path
    key: Any = int(head) if isinstance(target, list) else head
    if rest:
        if isinstance(target, dict):
            target.setdefault(key, {})
        _put(target[key], rest, value)
    elif value is ABSENT:
        del target[key]
    elif isinstance(target, list) and key == len(target):
        target.append(value)
    else:
        target[key] = value
