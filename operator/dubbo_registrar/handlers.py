"""What kopf does for us: the life cycle of our custom resources.

A finalizer holds a RegistryService until its providers are gone from ZooKeeper, and a Registry until no RegistryService
refers to it. Handlers decide nothing: they ask the controller whether it is done. Pods never come here: no pod is
patched or held, and kopf loses deletions of objects without a finalizer when it lists again
(tests/integration/kube/test_why_not_kopf_for_pods.py).
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, cast

import kopf

from dubbo_registrar.model import ObjectKey

GROUP = "dubbo-registrar.io"
VERSION = "v1alpha1"

_PATIENCE_SECONDS = 2.0
_ASK_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 30

Question = Callable[[ObjectKey], Awaitable[bool]]


def registry(*, own_namespace: str, withdrawn: Question, unused: Question) -> kopf.OperatorRegistry:
    """Return the handlers for kopf. The questions are the controller's, asked from kopf's own event loop.

    Registries count only in the operator's own namespace: elsewhere they are not touched.
    """
    handlers = kopf.OperatorRegistry()
    kopf.on.login(registry=handlers)(kopf.login_via_client)

    @kopf.on.delete(GROUP, VERSION, "registryservices", id="withdraw", registry=handlers)
    async def withdraw(namespace: str | None, name: str, retry: int, **_: object) -> None:
        if not await _within(_PATIENCE_SECONDS, withdrawn, ObjectKey(namespace or "", name)):
            message = "providers are still registered"
            raise kopf.TemporaryError(message, delay=_delay(retry))

    def ours(namespace: str | None, **_: object) -> bool:
        return namespace == own_namespace

    @kopf.on.delete(GROUP, VERSION, "registries", id="release", when=ours, registry=handlers)
    async def release(namespace: str | None, name: str, retry: int, **_: object) -> None:
        if not await unused(ObjectKey(namespace or "", name)):
            message = "RegistryServices still refer to this Registry"
            raise kopf.TemporaryError(message, delay=_delay(retry))

    return handlers


async def _within(seconds: float, question: Question, key: ObjectKey) -> bool:
    """Ask until the answer is yes, or for so long: kopf logs an error and patches the object for each no it gets."""
    deadline = time.monotonic() + seconds
    while True:
        if await question(key):
            return True
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_ASK_SECONDS)


def _delay(retry: int) -> float:
    """Return how long to wait before the next attempt, in seconds: what takes hours is not asked for each second."""
    return float(min(1 + retry, _LONGEST_DELAY_SECONDS))


def settings() -> kopf.OperatorSettings:
    """Return kopf's settings: marks under our name, no events, and no giving up on the API server."""
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    chosen.scanning.disabled = True
    chosen.persistence.finalizer = f"{GROUP}/withdraw"
    chosen.persistence.diffbase_storage = DigestStorage(prefix=GROUP, key="handled", v1=False)
    chosen.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP, v1=False)
    chosen.networking.request_timeout = 30
    chosen.networking.connect_timeout = 5
    chosen.networking.error_backoffs = Endless()
    chosen.process.ultimate_exiting_timeout = None  # else an end of kopf that takes long is a SIGKILL for all of us
    return chosen


class DigestStorage(kopf.AnnotationsDiffBaseStorage):
    """Keeps a digest of what was handled last. kopf would keep the whole spec, and annotations have 256 KiB for all."""

    def build(self, *, body: kopf.Body, extra_fields: Iterable[Any] | None = None) -> kopf.BodyEssence:
        """Return the digest of the parts that kopf would compare."""
        essence = super().build(body=body, extra_fields=extra_fields)
        text = json.dumps(essence, sort_keys=True, default=str)
        return cast("kopf.BodyEssence", {"spec": {"digest": hashlib.sha256(text.encode()).hexdigest()}})


class Endless(Iterable[float]):
    """Waits between attempts, in seconds, without end: an API server that is away must not end the operator."""

    def __iter__(self) -> Iterator[float]:
        """Begin with short waits."""
        yield from (0.1, 0.3, 1.0, 2.0)
        while True:
            yield 5.0
