"""The controller: takes in what Kubernetes says, and tells registries and authors what follows from it.

It holds no I/O of its own: pods and custom resources come in as changes, registries are reached through publications,
and what is reported goes to whatever meets `Statuses`. What should be there is decided in `desired.py`, what to write
in `plan.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from typing import Protocol

import structlog

from dubbo_registrar.desired import Desired, Directory
from dubbo_registrar.expansion import Reason, Refusal
from dubbo_registrar.model import Declared, ObjectKey, Owner, Pod, Registry, Service
from dubbo_registrar.publication import ProviderTree, Publication
from dubbo_registrar.reporting import RegistryFacts, Report, ServiceFacts, invalid, registry_report, service_report

_log = structlog.get_logger()

_REPORT_SECONDS = 0.2

_LookUp = Callable[[str, str], Directory]
"""What should be in the directory of a registry and interface."""

MakeTree = Callable[[Registry, Callable[[str | None], None]], ProviderTree]


class Statuses(Protocol):
    """Where reports go."""

    def report_service(self, declared: Declared[Service], report: Report) -> None:
        """Show a report in the status of a RegistryService, soon."""

    def report_registry(self, declared: Declared[Registry], report: Report) -> None:
        """Show a report in the status of a Registry, soon."""

    def forget(self, uid: str) -> None:
        """Forget an object that is gone."""


class Controller:
    """All services, pods and registries that this operator serves. Called only from one event loop."""

    def __init__(
        self,
        *,
        owner: Owner,
        tree: MakeTree,
        statuses: Statuses,
        synced: Callable[[], Awaitable[None]],
        resync_seconds: float,
    ) -> None:
        """Prepare it; `run` does the work.

        `tree` makes the registry of a Registry object and is given whom to tell of changes there. `synced` returns
        once pods and custom resources were all listed completely: nothing is written before, because what is not
        listed yet would look deleted.
        """
        self._owner = owner
        self._tree = tree
        self._statuses = statuses
        self._synced = synced
        self._resync_seconds = resync_seconds
        self._desired = Desired()
        self._services: dict[ObjectKey, Declared[Service]] = {}
        self._registries: dict[str, Declared[Registry]] = {}
        self._publications: dict[str, Publication] = {}
        self._work: dict[str, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._unreported: set[ObjectKey] = set()
        self._unreported_registries: set[str] = set()

    # What Kubernetes says

    def pod_changed(self, key: ObjectKey, pod: Pod | None) -> None:
        """Take in a pod that is new, changed or (None) gone."""
        concerned = self._desired.drop_pod(key) if pod is None else self._desired.put_pod(pod)
        for service in concerned:
            self._touch_service(service)

    def service_changed(self, key: ObjectKey, declared: Declared[Service] | None) -> None:
        """Take in a RegistryService that is new, changed or (None) gone."""
        if declared is not None and self._services.get(key) == declared:
            return
        if declared is None:
            self._forget(self._services.pop(key, None))
            touched = self._desired.drop_service(key)
        else:
            self._services[key] = declared
            touched = self._take_in(declared)
        for registry, interface in touched:
            self._touch(registry, interface)
        self._touch_holding(key)
        self._unreported.add(key)

    def registry_changed(self, key: ObjectKey, declared: Declared[Registry] | None) -> None:
        """Take in a Registry that is new, changed or (None) gone."""
        former = self._registries.get(key.name)
        if declared is None:
            self._forget(self._registries.pop(key.name, None))
        else:
            self._registries[key.name] = declared
        if self._tasks is not None and _place(former) != _place(declared):
            self._reopen(key.name)
        self._unreported_registries.add(key.name)

    # What kopf asks

    def withdrawn(self, key: ObjectKey) -> bool:
        """Tell whether no provider of a deleted RegistryService is left in any registry, as far as can be known."""
        if self._tasks is None:  # not every service, nor any registry, is known yet
            return False
        declared = self._services.get(key)
        if declared is None:
            return True
        if not declared.deleted:
            return False
        service = self._desired.service(key)
        homes = [self._publications.get(service.registry)] if service else list(self._publications.values())
        interfaces = {interface.name for interface in service.interfaces} if service else set()
        if not all(home.settled(interfaces) for home in homes if home is not None):
            return False
        return not any(publication.holding(key) for publication in self._publications.values())

    def unused(self, key: ObjectKey) -> bool:
        """Tell whether no RegistryService refers to a Registry."""
        return self._tasks is not None and not self._services_of(key.name)

    # The work

    async def run(self) -> None:
        """Keep all registries as desired until cancelled."""
        await self._synced()
        _log.info("the view of Kubernetes is complete", services=len(self._services), registries=len(self._registries))
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for name in list(self._registries):
                self._reopen(name)
            tasks.create_task(self._report())
            tasks.create_task(self._resync())

    def _forget(self, declared: Declared[Service] | Declared[Registry] | None) -> None:
        if declared is not None:
            self._statuses.forget(declared.uid)

    def _take_in(self, declared: Declared[Service]) -> set[tuple[str, str]]:
        if declared.value is not None:
            return self._desired.put_service(declared.value)
        if declared.deleted:
            return self._desired.drop_service(declared.key)
        return self._desired.keep(declared.key)

    def _reopen(self, name: str) -> None:
        """Begin, change or end the work on a registry."""
        if name in self._work:
            self._work.pop(name).cancel()
            del self._publications[name]
        declared = self._registries.get(name)
        if declared is not None and declared.value is not None and self._tasks is not None:
            publication = self._publish(declared.value)
            self._publications[name] = publication
            self._work[name] = self._tasks.create_task(publication.run())
        self._unreported |= self._services_of(name)

    def _publish(self, registry: Registry) -> Publication:
        name = registry.key.name
        return Publication(
            desired=lambda interface: self._desired.directory(name, interface),
            wished=lambda: self._desired.directories(name),
            owner=replace(self._owner, registry=name),
            tree=lambda heard: self._tree(registry, heard),
            on_report=lambda interfaces: self._passed(name, interfaces),
        )

    def _passed(self, registry: str, interfaces: frozenset[str] | None) -> None:
        """Note whose status a pass over some directories (None: a change of the connection) may have changed."""
        for key in self._services_of(registry):
            service = self._desired.service(key)
            if interfaces is None or service is None or any(i.name in interfaces for i in service.interfaces):
                self._unreported.add(key)
        self._unreported_registries.add(registry)

    def _touch_service(self, key: ObjectKey) -> None:
        service = self._desired.service(key)
        if service is not None:
            for interface in {interface.name for interface in service.interfaces}:
                self._touch(service.registry, interface)
        if self._desired.keeps(key):
            self._touch_holding(key)
        self._unreported.add(key)

    def _touch(self, registry: str, interface: str) -> None:
        if registry in self._publications:
            self._publications[registry].touch((interface,))

    def _touch_holding(self, key: ObjectKey) -> None:
        """Touch every directory where nodes of a service stand, wherever it is to be listed now."""
        for publication in self._publications.values():
            publication.touch(publication.holding(key))

    def _services_of(self, registry: str) -> set[ObjectKey]:
        services = (self._desired.service(key) for key in self._services)
        return {service.key for service in services if service is not None and service.registry == registry}

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(self._resync_seconds)
            for publication in self._publications.values():
                publication.resync()

    # What is reported

    async def _report(self) -> None:
        """Report what may have changed, a few times a second at most."""
        while True:
            keys, self._unreported = self._unreported, set()
            directory = cache(self._desired.directory)  # once for all services that share an interface
            for key in keys:
                declared = self._services.get(key)
                if declared is not None:
                    self._statuses.report_service(declared, self._service_report(declared, directory))
            names, self._unreported_registries = self._unreported_registries, set()
            for name in names:
                self._report_registry(name)
            await asyncio.sleep(_REPORT_SECONDS)

    def _service_report(self, declared: Declared[Service], directory: _LookUp) -> Report:
        if declared.value is None:
            return invalid(declared.problem)
        service = declared.value
        publication = self._publications.get(service.registry)
        facts = self._service_facts(service, publication, directory)
        return service_report(service, self._registry_facts(service, publication), facts)

    def _registry_facts(self, service: Service, publication: Publication | None) -> RegistryFacts:
        name, registry = service.registry, self._registries.get(service.registry)
        if registry is None:
            return RegistryFacts(name, exists=False)
        if registry.value is None or publication is None:
            return RegistryFacts(name, exists=True, problem=f"Registry {name!r} cannot be used: {registry.problem}")
        refusals = (publication.refusal(interface.name) for interface in service.interfaces)
        return RegistryFacts(
            name,
            exists=True,
            root=registry.value.root,
            problem=publication.tree.problem,
            refused=next(filter(None, refusals), ""),
        )

    def _service_facts(self, service: Service, publication: Publication | None, directory: _LookUp) -> ServiceFacts:
        expansions = list(self._desired.expansions(service.key))
        refusals = [refusal for expansion in expansions for refusal in expansion.refusals]
        for interface in {interface.name for interface in service.interfaces}:
            lost = directory(service.registry, interface).refusals
            refusals += [refusal for key, refusal in lost if key == service.key]
        wanted = registered = 0
        for provider in (provider for expansion in expansions for provider in expansion.providers):
            interface, name = provider.interface, provider.name
            if directory(service.registry, interface).providers.get(name) is not provider:
                continue
            wanted += 1
            registered += publication is not None and publication.registered(interface, name)
            if publication is not None and name in publication.taken(interface):
                message = f"somebody else's node stands in the place of {interface}; does the pod register itself?"
                refusals.append(Refusal(provider.pod, Reason.TAKEN, message))
        if publication is not None and (service.suspended or service.deleted):
            registered = publication.standing(service.key)
            wanted = 0 if service.deleted else registered
        return ServiceFacts(
            selected=sum(not expansion.pod.terminating for expansion in expansions),
            ready=sum(expansion.fit for expansion in expansions),
            wanted=wanted,
            registered=registered,
            refusals=refusals,
        )

    def _report_registry(self, name: str) -> None:
        declared = self._registries.get(name)
        if declared is None:
            return
        if declared.value is None:
            self._statuses.report_registry(declared, invalid(declared.problem))
            return
        publication = self._publications.get(name)
        if publication is not None:
            report = registry_report(
                declared.value,
                problem=publication.problem,
                connected=publication.tree.connected,
                services=len(self._services_of(name)),
                owned=publication.owned,
                foreign=publication.foreign,
            )
            self._statuses.report_registry(declared, report)


def _place(declared: Declared[Registry] | None) -> Registry | None:
    """Return what the connection to a registry depends on; None when it cannot be used."""
    if declared is None or declared.value is None:
        return None
    return replace(declared.value, generation=0, deleted=False)
