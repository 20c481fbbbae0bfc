"""The values that the core works on: pods, services, registries and providers. Pure.

They are what is left of the Kubernetes objects once the edge (`kube/`) has parsed them: only what decides a provider.
How services and pods become providers is in `desired.py`; how a provider becomes a node name is in `dubbo/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

T_co = TypeVar("T_co", covariant=True)

_NONE: Mapping[str, str] = MappingProxyType({})


class ObjectKey(NamedTuple):
    """Namespace and name of a Kubernetes object."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Return `namespace/name`."""
        return f"{self.namespace}/{self.name}"


class AddressFamily(StrEnum):
    """The IP family that a service's providers are listed with."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod: its ports by name, and when it last started."""

    name: str
    ports: Mapping[str, int] = field(default_factory=dict)
    """Container ports that have a name: name -> number."""
    numbers: frozenset[int] = frozenset()
    """All container ports that are declared, named or not."""
    started_at: int | None = None
    """Start of the running container in milliseconds since the epoch; None while it does not run."""


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod, as far as it decides a provider."""

    key: ObjectKey
    uid: str
    labels: Mapping[str, str] = field(default_factory=lambda: _NONE)
    phase: str = "Pending"
    ready: bool = False
    """Its Ready condition is True."""
    terminating: bool = False
    """It has a deletionTimestamp."""
    addresses: tuple[str, ...] = ()
    """`status.podIPs`, in the order of the cluster's preference."""
    host_network: bool = False
    node: str = ""
    created_at: int = 0
    """Creation in milliseconds since the epoch."""
    containers: tuple[Container, ...] = ()


class SelectorOperator(StrEnum):
    """The operators of a Kubernetes label selector requirement."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of a label selector."""

    key: str
    operator: SelectorOperator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether the labels meet it, as Kubernetes reads it: an absent key meets `NotIn`."""
        value = labels.get(self.key)
        match self.operator:
            case SelectorOperator.IN:
                return value is not None and value in self.values
            case SelectorOperator.NOT_IN:
                return value is None or value not in self.values
            case SelectorOperator.EXISTS:
                return value is not None
            case SelectorOperator.DOES_NOT_EXIST:
                return value is None


@dataclass(frozen=True, slots=True)
class Selector:
    """A label selector. All requirements must be met; `matchLabels` entries are `In` requirements with one value."""

    requirements: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet every requirement."""
        return all(requirement.matches(labels) for requirement in self.requirements)


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol that the pods speak, and the port they speak it on."""

    name: str
    """The scheme of the provider URL: `dubbo` or `tri`."""
    port: int | str
    """A number from 1 to 65535, or the name of a container port."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A Dubbo interface that the pods export."""

    name: str
    group: str | None = None
    version: str | None = None
    methods: tuple[str, ...] = ()
    path: str | None = None
    """The service path in the provider URL; None means the interface's name."""
    protocols: tuple[str, ...] = ()
    """The names of the protocols it is served on; empty means all of the service."""
    parameters: Mapping[str, str] = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True)
class Service:
    """A RegistryService: which pods export what, and where that is published."""

    key: ObjectKey
    uid: str
    generation: int
    created_at: int
    """Creation in milliseconds since the epoch: of two services with the same claim, the older wins."""
    registry: str
    """The name of the Registry (in the operator's own namespace)."""
    application: str
    selector: Selector
    protocols: tuple[Protocol, ...]
    interfaces: tuple[Interface, ...]
    family: AddressFamily = AddressFamily.IPV4
    suspended: bool = False
    """Keep what is registered as it is, but for pods that are terminating, finished or gone."""
    deleted: bool = False
    """It has a deletionTimestamp: its providers go."""
    parameters: Mapping[str, str] = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True)
class Registry:
    """A Registry: one ZooKeeper ensemble and the root below which consumers read."""

    key: ObjectKey
    uid: str
    generation: int
    hosts: tuple[str, ...]
    """`host:port` of each server."""
    root: str
    """The root node without slashes at its ends; Dubbo's registry parameter `group`."""
    session_timeout: float
    """The session timeout that is asked for, in seconds."""
    connect_timeout: float
    """How long one attempt to connect may take, in seconds."""
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Declared(Generic[T_co]):
    """A custom resource as a user declared it: what it says, or why it cannot be used."""

    key: ObjectKey
    uid: str
    generation: int
    deleted: bool
    """It has a deletionTimestamp."""
    value: T_co | None
    problem: str = ""
    """Why it cannot be used, in one line for its author; empty when `value` is set."""
    status: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Its status when it was read. It is ours to write, so a change of it is no change of the object."""


class Address(NamedTuple):
    """Where a provider is called: protocol, host (IPv6 without brackets) and port."""

    protocol: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Provider:
    """One (protocol, interface, group, version, host, port, parameters) of one pod: one URL, one node."""

    interface: str
    name: str
    """The name of the node: the provider URL, encoded."""
    address: Address
    group: str | None
    version: str | None
    service: ObjectKey
    service_uid: str
    pod: ObjectKey
    pod_uid: str

    @property
    def claim(self) -> "Claim":
        """What only one service may have in a registry."""
        return Claim(self.interface, self.group, self.version, self.address)


class Claim(NamedTuple):
    """What only one RegistryService may publish in a registry: a service at an address."""

    interface: str
    group: str | None
    version: str | None
    address: Address


@dataclass(frozen=True, slots=True)
class Owner:
    """Who writes: this cluster, this install of the operator, for one of its Registries.

    A node with another owner's mark is foreign. The Registry is part of it because two of them may lead to the same
    nodes, by one address or by two names of a server: each would take the providers of the other for leftovers.
    """

    cluster: str
    install: str
    registry: str = ""
    """The name of the Registry; empty as long as none is meant."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the data of a node of ours says: who owns it, and which service and pod it stands for."""

    owner: Owner
    service: ObjectKey
    service_uid: str
    pod_uid: str


@dataclass(frozen=True, slots=True)
class Node:
    """One child of a `providers` directory as it stands in ZooKeeper. Without a mark that can be read it is foreign."""

    name: str
    mark: Mark | None
