"""A pod's interface as a Dubbo provider URL, and a provider URL as the claim it makes. Pure: no I/O, no clock.

Which pods become providers is `desired.py`; which parameters users may set is `parameters.py`; characters are `url.py`.
"""

from collections.abc import Mapping
from ipaddress import IPv6Address
from zlib import crc32

from dubbo_registrar.dubbo.encoding import MalformedUrlError
from dubbo_registrar.dubbo.url import Url
from dubbo_registrar.model import Address, Claim, Interface

RESERVED = frozenset({
    "anyhost", "application", "category", "dubbo", "dynamic", "generic", "group", "host", "interface", "methods",
    "path", "port", "protocol", "side", "timestamp", "version",
})  # fmt: skip
"""Keys that say what a provider is. They come from typed fields, never from the parameters of a service."""

_SECOND = 1000


def provider_url(
    *, address: Address, interface: Interface, application: str, parameters: Mapping[str, str], timestamp: int
) -> Url:
    """Return the URL under which one interface of one pod is registered.

    Every consumer's demands in one URL: `anyhost` sorts before everything that dubbo2.js reads, because it loses the
    first parameter (only `actives` and keys of methods, which it does not read, can come before); `application` is
    always there, because Java 2.7 loses updates without it; `group` and `version` are absent unless set, because an
    empty one matches no consumer of Java 2.7 and 3; nothing about serialization, because it makes every call of Java 3
    fail when the pod does not speak it.

    Args:
        address: Where the pod is called.
        interface: What it exports there. Its parameters win over those of the service.
        application: The name of the application.
        parameters: The service's parameters, weight and the like among them.
        timestamp: When the container started, in milliseconds since the epoch; written as `stamp` says.

    Raises:
        ValueError: A reserved parameter, or what `Url.build` refuses.
    """
    asked = {**parameters, **interface.parameters}
    if reserved := sorted(RESERVED & asked.keys()):
        raise ValueError(f"parameter {reserved[0]!r} is set by the operator")
    path = interface.path or interface.name
    others = {
        "deprecated": "false",
        **asked,
        "anyhost": "true",
        "application": application,
        "dubbo": "2.0.2",
        "dynamic": "true",
        "generic": "false",
        "interface": interface.name,
        "side": "provider",
    }
    if interface.group is not None:
        others["group"] = interface.group
    if interface.version is not None:
        others["version"] = interface.version
    if interface.methods:
        others["methods"] = ",".join(sorted(set(interface.methods)))
    stamped = str(stamp(timestamp, {**others, "path": path}))
    return Url.build(
        protocol=address.protocol,
        host=address.host,
        port=address.port,
        path=path,
        parameters={**others, "timestamp": stamped},
    )


def stamp(started_at_ms: int, parameters: Mapping[str, str]) -> int:
    """Return the `timestamp` of a provider: the second before its start, with milliseconds that follow its parameters.

    dubbo-go knows a provider by address, service and timestamp alone: when a parameter changes and the timestamp does
    not, the removal of the old node takes the new provider with it. So the milliseconds are a hash of the other
    parameters, the same in every process (two sets of parameters share one in a thousand times). A timestamp in the
    future would give the provider weight 1 in Java consumers (their warm-up counts from it), so the whole seconds are
    those before the start: the result is never later than the start, and less than two seconds earlier.
    """
    text = "&".join([f"{key}={value}" for key, value in sorted(parameters.items())])
    before = max(started_at_ms // _SECOND - 1, 0) * _SECOND
    return min(before + crc32(text.encode()) % _SECOND, started_at_ms)


def claim_of(name: str) -> Claim | None:
    """Return what a child of a `providers` directory claims, whoever wrote it; None when it cannot be read.

    A URL without `interface` means its path (Java `URL.getServiceInterface`). IPv6 addresses come in their short form,
    because Java writes the long one.
    """
    try:
        url = Url.from_node_name(name)
    except MalformedUrlError:
        return None
    interface = url.parameters.get("interface") or url.path
    if not interface:
        return None
    address = Address(url.protocol, _short(url.host), url.port)
    return Claim(interface, url.parameters.get("group"), url.parameters.get("version"), address)


def _short(host: str) -> str:
    if ":" not in host:
        return host
    try:
        return str(IPv6Address(host))
    except ValueError:
        return host
