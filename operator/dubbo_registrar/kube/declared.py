"""A custom resource as the mirror keeps it: parsed, or with the reason why it cannot be used."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from dubbo_registrar.errors import InvalidObjectError
from dubbo_registrar.model import Declared, ObjectKey

_T = TypeVar("_T")


def project(parse: Callable[[object], _T]) -> Callable[[Mapping[str, Any]], Declared[_T] | None]:
    """Return a projection for a reflector. An object without a name or uid is none at all."""

    def projection(raw: Mapping[str, Any]) -> Declared[_T] | None:
        metadata = raw.get("metadata")
        if not isinstance(metadata, dict) or not metadata.get("name") or not metadata.get("uid"):
            return None
        value, problem = None, ""
        try:
            value = parse(raw)
        except InvalidObjectError as error:
            problem = str(error)
        return Declared(
            key=ObjectKey(str(metadata.get("namespace", "")), str(metadata["name"])),
            uid=str(metadata["uid"]),
            generation=generation if isinstance(generation := metadata.get("generation"), int) else 0,
            deleted=bool(metadata.get("deletionTimestamp")),
            value=value,
            problem=problem,
            status=status if isinstance(status := raw.get("status"), dict) else {},
        )

    return projection
