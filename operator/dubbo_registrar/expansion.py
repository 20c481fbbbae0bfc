"""What one pod is for one service: its providers, or the reasons why it is none. Pure.

What all pods and services come to together, and who wins where two claim the same address, is in `desired.py`.
"""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from dubbo_registrar.dubbo.provider import provider_url
from dubbo_registrar.model import (
    Address,
    AddressFamily,
    Container,
    Interface,
    ObjectKey,
    Pod,
    Protocol,
    Provider,
    Service,
)


class Reason(StrEnum):
    """Why a selected pod is not a provider. The values are shown in the status of the RegistryService."""

    TERMINATING = "Terminating"
    NOT_RUNNING = "NotRunning"
    NOT_READY = "NotReady"
    NO_ADDRESS = "NoAddress"
    PORT_NOT_FOUND = "PortNotFound"
    UNUSABLE_URL = "UnusableUrl"
    CONFLICT = "Conflict"
    TAKEN = "Taken"


_UNFIT = frozenset({Reason.TERMINATING, Reason.NOT_RUNNING, Reason.NOT_READY, Reason.NO_ADDRESS})
"""Reasons that concern the pod as a whole."""


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """A pod that is not registered, wholly or for one interface or protocol, and why."""

    pod: ObjectKey
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Expansion:
    """What one pod provides for one service."""

    pod: Pod
    providers: tuple[Provider, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def fit(self) -> bool:
        """Tell whether the pod can be called: running, ready, with an address, not terminating."""
        return all(refusal.reason not in _UNFIT for refusal in self.refusals)


def expand(service: Service, pod: Pod) -> Expansion:
    """Return the providers that a selected pod is for a service, or why it is none."""
    unfit = _unfit(service, pod)
    if unfit is not None:
        return Expansion(pod, (), (unfit,))
    host = _host(service, pod)
    providers: list[Provider] = []
    refusals: list[Refusal] = []
    for protocol in service.protocols:
        try:
            port, container = _port(protocol, pod)
        except LookupError as error:
            refusals.append(Refusal(pod.key, Reason.PORT_NOT_FOUND, str(error)))
            continue
        address = Address(protocol.name, host, port)
        for interface in service.interfaces:
            if interface.protocols and protocol.name not in interface.protocols:
                continue
            try:
                providers.append(_provider(service, interface, pod, address, container))
            except ValueError as error:
                refusals.append(Refusal(pod.key, Reason.UNUSABLE_URL, f"{interface.name}: {error}"))
    return Expansion(pod, tuple(providers), tuple(refusals))


def _unfit(service: Service, pod: Pod) -> Refusal | None:
    """Return why the pod can be no provider at all. Evicted and finished pods keep an address: the phase tells them."""
    if pod.terminating:
        return Refusal(pod.key, Reason.TERMINATING, "the pod is terminating")
    if pod.phase != "Running":
        return Refusal(pod.key, Reason.NOT_RUNNING, f"the pod's phase is {pod.phase}")
    if not pod.ready:
        return Refusal(pod.key, Reason.NOT_READY, "the pod's Ready condition is not True")
    if not _host(service, pod):
        found = ", ".join(pod.addresses) or "none"
        return Refusal(pod.key, Reason.NO_ADDRESS, f"the pod has no {service.family} address (its addresses: {found})")
    return None


def _host(service: Service, pod: Pod) -> str:
    """Return the pod's first address of the family that the service is listed with, or an empty string."""
    return next((address for address in pod.addresses if _family(address) is service.family), "")


def _family(address: str) -> AddressFamily | None:
    try:
        return AddressFamily.IPV6 if isinstance(ip_address(address), IPv6Address) else AddressFamily.IPV4
    except ValueError:
        return None


def _port(protocol: Protocol, pod: Pod) -> tuple[int, Container | None]:
    """Return the port's number and the container that owns it. Raises LookupError: no container has that port name."""
    for container in pod.containers:
        if isinstance(protocol.port, int):
            if protocol.port in container.numbers:
                return protocol.port, container
        elif protocol.port in container.ports:
            return container.ports[protocol.port], container
    if isinstance(protocol.port, int):  # declaring a port is optional in Kubernetes: a number is taken at its word
        return protocol.port, None
    names = ", ".join(sorted(name for container in pod.containers for name in container.ports)) or "none"
    message = f"no container has a port named {protocol.port!r} (port names of the pod: {names})"
    raise LookupError(message)


def _provider(service: Service, interface: Interface, pod: Pod, address: Address, owner: Container | None) -> Provider:
    """Return the provider for an interface. Raises ValueError when no URL can be made that all consumers read."""
    container = owner or next(iter(pod.containers), None)
    started_at = container.started_at if container and container.started_at is not None else pod.created_at
    url = provider_url(
        address=address,
        interface=interface,
        application=service.application,
        parameters=service.parameters,
        timestamp=started_at,
    )
    return Provider(
        interface=interface.name,
        name=url.node_name,
        address=address,
        group=interface.group,
        version=interface.version,
        service=service.key,
        service_uid=service.uid,
        pod=pod.key,
        pod_uid=pod.uid,
    )
