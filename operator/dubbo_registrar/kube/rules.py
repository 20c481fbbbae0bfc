"""What the schemas of `crds/` say in CEL, once more: rules across fields, for objects of the shape in `schema.py`.

They are checked again because an object may have been stored under an older schema, or with none. Each rule reads one
part of the object and yields what is wrong there. Immutability is left to the API server.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dubbo_registrar.dubbo.parameters import refusal
from dubbo_registrar.kube.schema import LABEL_KEY, InterfaceSpec, RegistryServiceSpec, RegistrySpec, SelectorSpec
from dubbo_registrar.model import SelectorOperator

_LABEL_KEY = re.compile(LABEL_KEY)
_MAX_PORT = 65535
_MAX_METHOD_CHARACTERS = 32_768
_MAX_PARAMETERS = 128
_SYSTEM_ROOTS = frozenset({"zookeeper", "dubbo-registrar"})
_WITH_VALUES = frozenset({SelectorOperator.IN, SelectorOperator.NOT_IN})


class Problem(NamedTuple):
    """Something wrong in an object."""

    location: tuple[str | int, ...]
    """Names and indexes that lead to the field: `("spec", "interfaces", 0, "name")`."""
    message: str


def service_problems(spec: RegistryServiceSpec) -> Iterator[Problem]:
    """Yield what is wrong in a RegistryService."""
    yield from _selector_problems(spec.selector)
    yield from _parameter_problems(("spec", "parameters"), spec.parameters or {}, methods=())
    yield from _interface_problems(spec)
    yield from _total_problems(spec.interfaces)


def registry_problems(spec: RegistrySpec) -> Iterator[Problem]:
    """Yield what is wrong in a Registry."""
    for port in re.findall(r":([0-9]+)", spec.address):
        if int(port) > _MAX_PORT:
            yield Problem(("spec", "address"), f"port {port} is larger than {_MAX_PORT}")
    if spec.root.strip("/").partition("/")[0] in _SYSTEM_ROOTS:
        yield Problem(("spec", "root"), "/zookeeper and /dubbo-registrar are not for consumers")


def _selector_problems(selector: SelectorSpec) -> Iterator[Problem]:
    location = ("spec", "selector")
    if not selector.match_labels and not selector.match_expressions:
        yield Problem(location, "an empty selector would select every pod of the namespace")
    for key in selector.match_labels or {}:
        if not _LABEL_KEY.fullmatch(key):
            yield Problem((*location, "matchLabels", key), "not a label key")
    for index, expression in enumerate(selector.match_expressions or []):
        if (expression.operator in _WITH_VALUES) != bool(expression.values):
            message = "In and NotIn need values, Exists and DoesNotExist take none"
            yield Problem((*location, "matchExpressions", index, "values"), message)


def _interface_problems(spec: RegistryServiceSpec) -> Iterator[Problem]:
    served = {protocol.name for protocol in spec.protocols}
    seen = set()
    for index, interface in enumerate(spec.interfaces):
        location = ("spec", "interfaces", index)
        identity = (interface.name, interface.group, interface.version)
        if identity in seen:
            yield Problem(location, "name, group and version together must be unique")
        seen.add(identity)
        if interface.version == "0.0.0":
            yield Problem((*location, "version"), "0.0.0 is Dubbo's word for no version, leave the field out")
        methods = interface.methods or []
        if "default" in methods:
            message = "default is not a method name, and Dubbo reads default.timeout as a setting of all methods"
            yield Problem((*location, "methods", methods.index("default")), message)
        for position, protocol in enumerate(interface.protocols or []):
            if protocol not in served:
                yield Problem((*location, "protocols", position), f"{protocol} is not in spec.protocols")
        yield from _parameter_problems((*location, "parameters"), interface.parameters or {}, methods=methods)


def _total_problems(interfaces: list[InterfaceSpec]) -> Iterator[Problem]:
    location = ("spec", "interfaces")
    if sum(len(method) for interface in interfaces for method in interface.methods or []) > _MAX_METHOD_CHARACTERS:
        message = f"the method names of all interfaces together may have at most {_MAX_METHOD_CHARACTERS} characters"
        yield Problem(location, message)
    if sum(len(interface.parameters or {}) for interface in interfaces) > _MAX_PARAMETERS:
        message = (
            f"all interfaces together may have at most {_MAX_PARAMETERS} parameters; "
            "what they share belongs in spec.parameters"
        )
        yield Problem(location, message)


def _parameter_problems(
    location: tuple[str | int, ...], parameters: Mapping[str, str], *, methods: list[str] | tuple[()]
) -> Iterator[Problem]:
    for key, value in parameters.items():
        if (message := refusal(key, value, methods=methods)) is not None:
            yield Problem((*location, key), message)
