"""What should be there: all pods and services, as providers by directory; of two claims the older wins. Pure.

What one pod is for one service is `expansion.py`. What stands in ZooKeeper is not known here: that comparison is the
plan's.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dubbo_registrar.expansion import Expansion, Reason, Refusal, expand
from dubbo_registrar.model import Claim, ObjectKey, Pod, Provider, Service


@dataclass(frozen=True, slots=True)
class Directory:
    """What should be in one `providers` directory."""

    providers: Mapping[str, Provider]
    """By the name of the node."""
    refusals: tuple[tuple[ObjectKey, Refusal], ...]
    """Claims that lost, by the service that lost them."""
    kept: Mapping[ObjectKey, frozenset[str]]
    """By service: the uids of pods whose nodes stay as they are. They are the living pods of services that are
    suspended, or whose object cannot be read at the moment."""


@dataclass(slots=True)
class _Entry:
    """What is known of one service: the object, its pods' expansions, and the directories it concerns."""

    service: Service
    expansions: dict[ObjectKey, Expansion] = field(default_factory=dict)

    @property
    def directories(self) -> set[str]:
        return {interface.name for interface in self.service.interfaces}


class Desired:
    """All services and pods, kept as providers by directory. Fed with changes; holds no view of ZooKeeper.

    A service is put in as last parsed. While its object cannot be used (`keep`), its nodes are left as they are.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._entries: defaultdict[str, dict[ObjectKey, _Entry]] = defaultdict(dict)
        self._pods: defaultdict[str, dict[ObjectKey, Pod]] = defaultdict(dict)
        self._living: defaultdict[str, set[str]] = defaultdict(set)
        self._by_directory: defaultdict[tuple[str, str], set[ObjectKey]] = defaultdict(set)
        self._kept: set[ObjectKey] = set()

    def put_pod(self, pod: Pod) -> set[ObjectKey]:
        """Take in a new or changed pod and return the services that it concerns."""
        former = self._pods[pod.key.namespace].get(pod.key)
        self._pods[pod.key.namespace][pod.key] = pod
        concerned = self._live_on(former, pod)
        for entry in self._entries[pod.key.namespace].values():
            if entry.service.selector.matches(pod.labels):
                entry.expansions[pod.key] = expand(entry.service, pod)
            elif entry.expansions.pop(pod.key, None) is None:
                continue
            concerned.add(entry.service.key)
        return concerned

    def drop_pod(self, key: ObjectKey) -> set[ObjectKey]:
        """Forget a pod and return the services that it concerned."""
        concerned = self._live_on(self._pods[key.namespace].pop(key, None), None)
        for entry in self._entries[key.namespace].values():
            if entry.expansions.pop(key, None) is not None:
                concerned.add(entry.service.key)
        return concerned

    def put_service(self, service: Service) -> set[tuple[str, str]]:
        """Take in a new or changed service. Returns the directories (registry, interface) concerned."""
        touched = self._detach(service.key)
        if service.suspended and not service.deleted:
            self._kept.add(service.key)
        else:
            self._kept.discard(service.key)
        entry = _Entry(service)
        for pod in self._pods[service.key.namespace].values():
            if service.selector.matches(pod.labels):
                entry.expansions[pod.key] = expand(service, pod)
        self._entries[service.key.namespace][service.key] = entry
        for interface in entry.directories:
            self._by_directory[service.registry, interface].add(service.key)
        return touched | {(service.registry, interface) for interface in entry.directories}

    def keep(self, key: ObjectKey) -> set[tuple[str, str]]:
        """Leave the nodes of a service's living pods as they are, because its object cannot be used at the moment.

        Returns the directories concerned, as far as the service was ever put in.
        """
        self._kept.add(key)
        entry = self._entries[key.namespace].get(key)
        return {(entry.service.registry, interface) for interface in entry.directories} if entry else set()

    def keeps(self, key: ObjectKey) -> bool:
        """Tell whether the nodes of a service are left as they are, in whatever directory they stand."""
        return key in self._kept

    def drop_service(self, key: ObjectKey) -> set[tuple[str, str]]:
        """Forget a service whose object is gone. Returns the directories it concerned."""
        self._kept.discard(key)
        touched = self._detach(key)
        self._entries[key.namespace].pop(key, None)
        return touched

    def service(self, key: ObjectKey) -> Service | None:
        """Return a service as last put in."""
        entry = self._entries[key.namespace].get(key)
        return entry.service if entry else None

    def expansions(self, key: ObjectKey) -> Iterable[Expansion]:
        """Return what the selected pods of a service provide."""
        entry = self._entries[key.namespace].get(key)
        return entry.expansions.values() if entry else ()

    def directories(self, registry: str) -> set[str]:
        """Return the interfaces that services want to be listed in a registry."""
        return {interface for name, interface in self._by_directory if name == registry}

    def directory(self, registry: str, interface: str) -> Directory:
        """Return what should be in one directory. Of two claims the older service's wins, then the older pod's."""
        entries = [self._entries[key.namespace][key] for key in self._by_directory.get((registry, interface), ())]
        winners: dict[Claim, Provider] = {}
        refusals: list[tuple[ObjectKey, Refusal]] = []
        for entry in sorted(entries, key=_seniority):
            if entry.service.key in self._kept or entry.service.deleted:
                continue
            for expansion in sorted(entry.expansions.values(), key=_pod_seniority):
                for provider in expansion.providers:
                    if provider.interface != interface:
                        continue
                    holder = winners.setdefault(provider.claim, provider)
                    if holder is not provider:
                        refusals.append((entry.service.key, _lost(provider, holder)))
        providers = {provider.name: provider for provider in winners.values()}
        living = {name: frozenset(self._living[name]) for name in {service.namespace for service in self._kept}}
        kept = {service: living[service.namespace] for service in self._kept}
        return Directory(providers, tuple(refusals), kept)

    def _live_on(self, former: Pod | None, pod: Pod | None) -> set[ObjectKey]:
        """Note whether a pod lives; if that changed, return the services that keep its nodes, selected or not."""
        before, after = ({each.uid for each in (one,) if each is not None and _lives(each)} for one in (former, pod))
        if before == after:
            return set()
        (namespace,) = {one.key.namespace for one in (former, pod) if one is not None}
        self._living[namespace] -= before
        self._living[namespace] |= after
        return {key for key in self._kept if key.namespace == namespace}

    def _detach(self, key: ObjectKey) -> set[tuple[str, str]]:
        entry = self._entries[key.namespace].get(key)
        if entry is None:
            return set()
        touched = {(entry.service.registry, interface) for interface in entry.directories}
        for directory in touched:
            self._by_directory[directory].discard(key)
            if not self._by_directory[directory]:
                del self._by_directory[directory]
        return touched


def _lives(pod: Pod) -> bool:
    return pod.phase == "Running" and not pod.terminating


def _seniority(entry: _Entry) -> tuple[int, str]:
    return entry.service.created_at, entry.service.uid


def _pod_seniority(expansion: Expansion) -> tuple[int, str]:
    return expansion.pod.created_at, expansion.pod.uid


def _lost(provider: Provider, holder: Provider) -> Refusal:
    """Say who holds the claim that a provider lost."""
    address = f"{provider.address.protocol}://{provider.address.host}:{provider.address.port}"
    if holder.service == provider.service:
        return Refusal(
            provider.pod,
            Reason.CONFLICT,
            f"pod {holder.pod} of the same service has {address} already (two host-network pods on one node)",
        )
    return Refusal(
        provider.pod,
        Reason.CONFLICT,
        f"RegistryService {holder.service}, which is older, publishes {provider.interface} at {address} already",
    )
