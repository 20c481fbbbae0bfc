"""What of a pod decides a provider: the projection of its JSON. Pure; never raises, whatever the JSON is.

Odd parts are left out, so that a malformed pod is one that can be no provider. `desired.py` decides who becomes one.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from dubbo_registrar.model import Container, ObjectKey, Pod

_MAX_PORT = 65535


def project_pod(raw: object) -> Pod | None:
    """Return what decides a provider; None if it has no namespace, name or uid, so that it is no pod at all."""
    metadata, spec, status = (_mapping(_mapping(raw).get(part)) for part in ("metadata", "spec", "status"))
    key = ObjectKey(_text(metadata.get("namespace")), _text(metadata.get("name")))
    uid = _text(metadata.get("uid"))
    if not (key.namespace and key.name and uid):
        return None
    return Pod(
        key=key,
        uid=uid,
        labels={k: v for k, v in _mapping(metadata.get("labels")).items() if isinstance(v, str)},
        phase=_text(status.get("phase")),
        ready=any(c.get("type") == "Ready" and c.get("status") == "True" for c in _mappings(status.get("conditions"))),
        terminating=metadata.get("deletionTimestamp") is not None,
        addresses=_addresses(status),
        host_network=spec.get("hostNetwork") is True,
        node=_text(spec.get("nodeName")),
        created_at=_milliseconds(metadata.get("creationTimestamp")) or 0,
        containers=_containers(spec, status),
    )


def _addresses(status: Mapping[str, Any]) -> tuple[str, ...]:
    listed = [entry.get("ip") for entry in _mappings(status.get("podIPs"))] or [status.get("podIP")]
    return tuple(address for address in listed if isinstance(address, str) and _is_address(address))


def _is_address(text: str) -> bool:
    try:
        # A zone (`fe80::1%eth0`) may hold any text, and means nothing on another machine.
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False


def _containers(spec: Mapping[str, Any], status: Mapping[str, Any]) -> tuple[Container, ...]:
    # Init containers that are restarted always are sidecars: they run as long as the others, and may own a port.
    sidecars = [c for c in _mappings(spec.get("initContainers")) if c.get("restartPolicy") == "Always"]
    statuses = (*_mappings(status.get("containerStatuses")), *_mappings(status.get("initContainerStatuses")))
    started = {_text(s.get("name")): _started_at(s) for s in statuses}
    return tuple(_container(c, started) for c in (*_mappings(spec.get("containers")), *sidecars))


def _container(raw: Mapping[str, Any], started: Mapping[str, int | None]) -> Container:
    ports = [(_text(port.get("name")), _number(port)) for port in _mappings(raw.get("ports"))]
    name = _text(raw.get("name"))
    return Container(
        name=name,
        ports={port_name: number for port_name, number in ports if port_name and number},
        numbers=frozenset(number for _, number in ports if number),
        started_at=started.get(name),
    )


def _number(port: Mapping[str, Any]) -> int | None:
    number = port.get("containerPort")
    # Dubbo is served over TCP, which is also what no protocol means.
    if port.get("protocol", "TCP") != "TCP" or type(number) is not int or not 1 <= number <= _MAX_PORT:
        return None
    return number


def _started_at(status: Mapping[str, Any]) -> int | None:
    return _milliseconds(_mapping(_mapping(status.get("state")).get("running")).get("startedAt"))


def _milliseconds(text: object) -> int | None:
    try:
        moment = datetime.fromisoformat(_text(text))
        return round(moment.timestamp() * 1000) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> Iterable[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
