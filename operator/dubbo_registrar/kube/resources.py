"""RegistryService and Registry as the API server hands them out become the values of `model.py`, or a reason why not.

Objects may have been stored under an older schema, or before ours was there. Whatever they are, the answer is a value
or an `InvalidObjectError` whose text fits a status condition. The shape is in `schema.py`, rules across fields are in
`rules.py`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dubbo_registrar.errors import InvalidObjectError
from dubbo_registrar.kube.rules import Problem, registry_problems, service_problems
from dubbo_registrar.kube.schema import (
    PORT_TAGS,
    InterfaceSpec,
    RegistryObject,
    RegistryServiceObject,
    RegistryServiceSpec,
    SelectorSpec,
)
from dubbo_registrar.model import (
    AddressFamily,
    Interface,
    ObjectKey,
    Protocol,
    Registry,
    Requirement,
    Selector,
    SelectorOperator,
    Service,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ZOOKEEPER_PORT = 2181

_SHOWN = 3
_MAX_MESSAGE = 400
_EXCERPT = 60
_LONGEST_NUMBER = 10**_EXCERPT

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,59}")

# pydantic's words are for programmers; a team reads these in `kubectl describe`.
_WORDING = {
    "missing": "is required",
    "extra_forbidden": "there is no such field",
    "string_type": "must be text; in YAML, put it in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}

_Object = TypeVar("_Object", bound=BaseModel)


def parse_service(raw: object) -> Service:
    """Read a RegistryService.

    Raises:
        InvalidObjectError: It cannot be used; nothing else is raised, whatever `raw` is.
    """
    found = _validate(RegistryServiceObject, raw)
    metadata, spec = found.metadata, found.spec
    _refuse(service_problems(spec))
    return Service(
        key=ObjectKey(metadata.namespace, metadata.name),
        uid=metadata.uid,
        generation=metadata.generation,
        created_at=_milliseconds(metadata.creation_timestamp),
        registry=spec.registry_ref.name,
        application=spec.application or metadata.name,
        selector=_selector(spec.selector),
        protocols=tuple(Protocol(protocol.name, protocol.port) for protocol in spec.protocols),
        interfaces=tuple(_interface(interface) for interface in spec.interfaces),
        family=AddressFamily(spec.address.family),
        suspended=spec.suspend,
        deleted=metadata.deletion_timestamp is not None,
        parameters=_parameters(spec),
    )


def parse_registry(raw: object) -> Registry:
    """Read a Registry.

    Raises:
        InvalidObjectError: It cannot be used; nothing else is raised, whatever `raw` is.
    """
    found = _validate(RegistryObject, raw)
    metadata, spec = found.metadata, found.spec
    _refuse(registry_problems(spec))
    return Registry(
        key=ObjectKey(metadata.namespace, metadata.name),
        uid=metadata.uid,
        generation=metadata.generation,
        hosts=_hosts(spec.address),
        root=spec.root.strip("/"),
        session_timeout=spec.session_timeout_milliseconds / 1000,
        connect_timeout=spec.connect_timeout_milliseconds / 1000,
        deleted=metadata.deletion_timestamp is not None,
    )


def _selector(spec: SelectorSpec) -> Selector:
    labels = (
        Requirement(key, SelectorOperator.IN, frozenset({value}))
        for key, value in sorted((spec.match_labels or {}).items())
    )
    expressions = (
        Requirement(expression.key, SelectorOperator(expression.operator), frozenset(expression.values or ()))
        for expression in spec.match_expressions or ()
    )
    return Selector((*labels, *expressions))


def _interface(spec: InterfaceSpec) -> Interface:
    return Interface(
        name=spec.name,
        group=spec.group,
        version=spec.version,
        methods=tuple(spec.methods or ()),
        path=spec.path,
        protocols=tuple(spec.protocols or ()),
        parameters=spec.parameters or {},
    )


def _parameters(spec: RegistryServiceSpec) -> Mapping[str, str]:
    """Return the parameters of all interfaces, those with a field of their own among them."""
    typed = {"weight": spec.weight, "warmup": spec.warmup, "dubbo.tag": spec.tag}
    return {**(spec.parameters or {}), **{key: str(value) for key, value in typed.items() if value is not None}}


def _hosts(address: str) -> tuple[str, ...]:
    servers = address.removeprefix("zookeeper://").replace("?backup=", ",").split(",")
    return tuple(server if ":" in server else f"{server}:{_ZOOKEEPER_PORT}" for server in servers)


def _milliseconds(timestamp: str) -> int:
    """Return an RFC 3339 timestamp in milliseconds since the epoch."""
    try:
        return (datetime.fromisoformat(timestamp) - _EPOCH) // _MILLISECOND
    except (ValueError, TypeError, OverflowError):  # TypeError: without an offset it is no point in time
        location = ("metadata", "creationTimestamp")
        raise _invalid([Problem(location, f"{_excerpt(timestamp)} is not an RFC 3339 timestamp")]) from None


def _validate(shape: type[_Object], raw: object) -> _Object:
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False)
    raise _invalid([Problem(_location(detail), _message(detail)) for detail in details])


def _refuse(problems: Iterable[Problem]) -> None:
    if found := list(problems):
        raise _invalid(found)


def _invalid(problems: list[Problem]) -> InvalidObjectError:
    """Put the first problems into one line and count the others."""
    shown = [problems[0].message, *(f"{_path(location)}: {message}" for location, message in problems[1:_SHOWN])]
    text = "; ".join(_line(part) for part in shown)
    if (more := len(problems) - _SHOWN) > 0:
        text += f"; and {more} more"
    return InvalidObjectError(text, field=_path(problems[0].location))


def _location(detail: ErrorDetails) -> tuple[str | int, ...]:
    return tuple(part for part in detail["loc"] if part not in PORT_TAGS)


def _message(detail: ErrorDetails) -> str:
    if (wording := _WORDING.get(detail["type"])) is not None:
        return wording
    if detail["type"] == "string_pattern_mismatch":
        return f"{_excerpt(detail['input'])} does not match {detail['ctx']['pattern']}"
    message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{_excerpt(detail['input'])}: {message}" if isinstance(detail["input"], str | int | float) else message


def _path(location: tuple[str | int, ...]) -> str:
    """Return a location as people write it: `spec.interfaces[0].parameters['a.timeout']`."""
    text = ""
    for part in location:
        if isinstance(part, str) and _FIELD_NAME.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{_excerpt(part)}]"
    return text


def _excerpt(value: object) -> str:
    """Return a text or number in at most a few printable ASCII characters; of anything else, what it is."""
    if isinstance(value, str):
        return ascii(value if len(value) <= _EXCERPT else f"{value[:_EXCERPT]}...")
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < _LONGEST_NUMBER):
        return str(value)
    return type(value).__name__


def _line(text: str) -> str:
    shown = text if len(text) <= _MAX_MESSAGE else f"{text[:_MAX_MESSAGE]}..."
    return "".join(character if character.isprintable() else "?" for character in shown)
