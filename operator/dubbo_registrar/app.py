"""The composition root: builds every part, connects them, owns every task, and ends them in order. It decides nothing.

kopf runs as a task of ours, in a thread with a loop of its own: when it ends (an error on its watch is enough) it
cancels whatever was started in its loop, and that must not be our work. It is started again; the rest does not
notice.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import kopf
import structlog

from dubbo_registrar import handlers
from dubbo_registrar.controller import Controller
from dubbo_registrar.errors import KubernetesForbiddenError, KubernetesUnavailableError
from dubbo_registrar.kube.client import Client, Resource, connect
from dubbo_registrar.kube.cluster import cluster_id
from dubbo_registrar.kube.declared import project
from dubbo_registrar.kube.pods import project_pod
from dubbo_registrar.kube.reflector import Reflector
from dubbo_registrar.kube.resources import parse_registry, parse_service
from dubbo_registrar.kube.status import StatusWriter
from dubbo_registrar.model import ObjectKey, Owner
from dubbo_registrar.registry.zookeeper import ZooKeeperRegistry
from dubbo_registrar.settings import Settings

_log = structlog.get_logger()

_RETRY_SECONDS = 1.0
_SHELL_PAUSE_SECONDS = 2.0
_SHELL_END_SECONDS = 8.0

SERVICES = Resource("registryservices", handlers.GROUP, handlers.VERSION)


async def run(settings: Settings) -> None:
    """Run the operator until SIGTERM or SIGINT. Raises RegistrarError when it cannot start as configured."""
    client = await connect()
    try:
        # Around all that may wait: the first process of a container is not ended by a signal that it does not handle.
        with _stop_on_signals(), contextlib.suppress(asyncio.CancelledError):
            owner = Owner(settings.cluster_id or await _identify(client), settings.install)
            _log.info("starting", cluster=owner.cluster, install=owner.install)
            await _operate(settings, client, owner)
        _log.info("stopped")
    finally:
        await client.close()


async def _operate(settings: Settings, client: Client, owner: Owner) -> None:
    registries = Resource("registries", handlers.GROUP, handlers.VERSION, settings.namespace)
    statuses = StatusWriter(client, services=SERVICES, registries=registries)
    reflectors: list[Reflector[Any]] = []

    async def synced() -> None:
        for reflector in reflectors:
            await reflector.synced_event.wait()

    controller = Controller(
        owner=owner,
        tree=lambda registry, heard: ZooKeeperRegistry(registry, on_change=heard),
        statuses=statuses,
        synced=synced,
        resync_seconds=settings.resync_seconds,
    )
    reflectors += (
        Reflector(
            client,
            registries,
            project=project(parse_registry),
            on_change=lambda key, _old, new, _seen: controller.registry_changed(key, new),
        ),
        Reflector(
            client,
            SERVICES,
            project=project(parse_service),
            on_change=lambda key, _old, new, _seen: controller.service_changed(key, new),
        ),
        Reflector(
            client,
            Resource("pods"),
            project=project_pod,
            on_change=lambda key, _old, new, _seen: controller.pod_changed(key, new),
        ),
    )
    async with asyncio.TaskGroup() as tasks:
        for reflector in reflectors:
            tasks.create_task(reflector.run())
        tasks.create_task(statuses.run())
        tasks.create_task(controller.run())
        tasks.create_task(_shell(settings, controller))


async def _identify(client: Client) -> str:
    """Return the cluster's id, waiting for an API server that does not answer yet.

    One that has just started forbids everything until it has read its rules: that is waited for as well.
    """
    while True:
        try:
            return await cluster_id(client)
        except (KubernetesUnavailableError, KubernetesForbiddenError) as error:
            _log.warning("waiting for the Kubernetes API", error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)


async def _shell(settings: Settings, controller: Controller) -> None:
    """Run kopf in a thread, and again whenever it ends."""
    loop = asyncio.get_running_loop()

    def ask(answer: Callable[[ObjectKey], bool]) -> handlers.Question:
        async def answered(key: ObjectKey) -> bool:
            return answer(key)

        async def question(key: ObjectKey) -> bool:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(answered(key), loop))

        return question

    while True:
        stop = threading.Event()
        shell = kopf.operator(
            registry=handlers.registry(
                own_namespace=settings.namespace,
                withdrawn=ask(controller.withdrawn),
                unused=ask(controller.unused),
            ),
            settings=handlers.settings(),
            clusterwide=True,
            standalone=True,
            stop_flag=stop,
        )
        await _in_thread(shell, stop)
        _log.warning("kopf ended and is started again")
        await asyncio.sleep(_SHELL_PAUSE_SECONDS)


async def _in_thread(work: Coroutine[Any, Any, None], stop: threading.Event) -> None:
    """Run something in a thread with a loop of its own until it ends; when cancelled, ask it to stop and wait."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    async def until_its_end() -> None:
        try:
            await work
        finally:
            stop.set()  # a thread of kopf's waits for it, and asyncio.run waits for that thread

    def target() -> None:
        try:
            asyncio.run(until_its_end())
        except Exception:  # noqa: BLE001 - whatever it was, the operator goes on and kopf is started again
            _log.exception("kopf failed")
        finally:
            with contextlib.suppress(RuntimeError):  # our loop is closed: nobody waits any more
                loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=target, name="kopf", daemon=True).start()
    try:
        await ended.wait()
    finally:
        stop.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), _SHELL_END_SECONDS)


@contextlib.contextmanager
def _stop_on_signals() -> Iterator[None]:
    """Cancel the current task on SIGTERM and SIGINT."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel if task else loop.stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
