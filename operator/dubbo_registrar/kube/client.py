"""Requests to the Kubernetes API: raw JSON over the connection, login and TLS of `kubernetes.aio`.

It knows verbs, paths, time limits and errors, and no resource in particular. It never retries: its callers do.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.exceptions import OpenApiException
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from dubbo_registrar import __version__
from dubbo_registrar.errors import (
    InvalidSettingError,
    KubernetesForbiddenError,
    KubernetesRefusedError,
    KubernetesUnavailableError,
)
from dubbo_registrar.model import ObjectKey

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 30.0

_IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
_RETRIABLE = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
"""Answers that another attempt may not get: the token was just renewed, the API server is busy or starts."""


class Verb(StrEnum):
    """What is asked of a resource, in the words of RBAC."""

    GET = "get"
    LIST = "list"
    WATCH = "watch"
    PATCH = "patch"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object as the API serves it: in one namespace, or (without one) in the whole cluster."""

    plural: str
    group: str = ""
    version: str = "v1"
    namespace: str = ""

    def path(self) -> str:
        """Return the path of the collection."""
        return self._path(self.namespace)

    def path_of(self, key: ObjectKey, *, subresource: str = "") -> str:
        """Return the path of one object, or of a subresource of it."""
        return "/".join(filter(None, (self._path(key.namespace), key.name, subresource)))

    def __str__(self) -> str:
        """Return the resource as kubectl names it: `pods`, `registries.dubbo-registrar.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def _path(self, namespace: str) -> str:
        api = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{api}/namespaces/{namespace}/{self.plural}" if namespace else f"{api}/{self.plural}"


class Stream:
    """The body of an answer that goes on, in pieces as they arrive."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def read(self) -> bytes:
        """Return the next piece, empty at the end of the answer.

        Raises:
            KubernetesUnavailableError: The connection broke, or was silent for too long.
        """
        with _mapped():
            return await self._response.content.readany()


class Client:
    """One login to one API server. Made by `connect`."""

    def __init__(self, configuration: Configuration, log_in: Callable[[], Awaitable[object]]) -> None:
        self._api = ApiClient(configuration)
        self._api.user_agent = f"dubbo-registrar/{__version__}"
        self._log_in = log_in

    async def get(self, resource: Resource, key: ObjectKey) -> Any:  # noqa: ANN401 - JSON
        """Read one object; errors as `list_page`."""
        return await self._request(Verb.GET, resource, resource.path_of(key))

    async def list_page(self, resource: Resource, query: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
        """Read one page of a list.

        Raises:
            KubernetesUnavailableError: No answer within 30 s, none that can be read, or one that asks for patience.
            KubernetesForbiddenError: A rule is missing.
            KubernetesRefusedError: Any other refusal.
        """
        return await self._request(Verb.LIST, resource, resource.path(), query=query)

    async def patch_status(self, resource: Resource, key: ObjectKey, patch: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Apply a JSON merge patch (RFC 7386) to an object's status and return the object; errors as `list_page`."""
        path = resource.path_of(key, subresource="status")
        return await self._request(Verb.PATCH, resource, path, body=patch)

    @contextlib.asynccontextmanager
    async def watch(self, resource: Resource, query: Mapping[str, str], *, silence: float) -> AsyncIterator[Stream]:
        """Open a watch. Reading from it fails after `silence` seconds without a byte; errors as `list_page`."""
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence)
        with _mapped():
            # The API server sends the head of its answer at once, before there are any events.
            async with asyncio.timeout(REQUEST_SECONDS):
                response = await self._send(Verb.WATCH, resource.path(), limits, query={"watch": "true", **query})
        try:
            await self._check(response, Verb.WATCH, resource)
            yield Stream(response)
        finally:
            response.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()  # type: ignore[no-untyped-call]

    async def _request(
        self,
        verb: Verb,
        resource: Resource,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        limits = aiohttp.ClientTimeout(total=REQUEST_SECONDS, sock_connect=CONNECT_SECONDS)
        with _mapped():
            async with await self._send(verb, path, limits, query=query, body=body) as response:
                await self._check(response, verb, resource)
                return json.loads(await response.read())

    async def _send(
        self,
        verb: Verb,
        path: str,
        limits: aiohttp.ClientTimeout,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> aiohttp.ClientResponse:
        method, url, headers, data, _ = await self._api.param_serialize(
            method="PATCH" if verb is Verb.PATCH else "GET",
            resource_path=path,
            query_params=list((query or {}).items()),
            header_params={
                "Accept": "application/json",
                "Content-Type": "application/merge-patch+json" if verb is Verb.PATCH else "application/json",
            },
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = await self._api.call_api(method, url, headers, data, _request_timeout=limits)
        response: aiohttp.ClientResponse = answer.response
        return response

    async def _check(self, response: aiohttp.ClientResponse, verb: Verb, resource: Resource) -> None:
        if response.ok:
            return
        with _mapped():
            message = _message(await response.read()) or response.reason or "no reason given"
        status = response.status
        if status == HTTPStatus.UNAUTHORIZED:
            # Login data of a kubeconfig are not renewed by the library on its own.
            with _mapped():
                await self._log_in()
        if status == HTTPStatus.FORBIDDEN:
            raise KubernetesForbiddenError(_forbidden(verb, resource, message))
        if status in _RETRIABLE or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise KubernetesUnavailableError(f"cannot {verb} {resource} now: {status} {message}")
        if status == HTTPStatus.NOT_FOUND and verb is Verb.LIST:
            message = "the API server does not serve it: is its CustomResourceDefinition applied?"
        raise KubernetesRefusedError(f"cannot {verb} {resource}: {status} {message}", status=status)


async def connect(*, kubeconfig: Path | None = None, context: str | None = None) -> Client:
    """Log in with a kubeconfig (the one given, else that of KUBECONFIG), else as the pod's service account.

    Outside of a pod, or with a context, `~/.kube/config` comes last. Nothing is sent yet.

    Raises:
        InvalidSettingError: The file, or the login data of the pod, cannot be used.
    """
    configuration = Configuration()
    file = kubeconfig or (Path(os.environ["KUBECONFIG"]) if os.environ.get("KUBECONFIG") else None)

    async def log_in() -> None:
        if file is None and context is None and os.environ.get(_IN_CLUSTER):
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            path = file or Path.home() / ".kube/config"
            try:
                await load_kube_config(  # type: ignore[no-untyped-call]
                    str(path), context=context, client_configuration=configuration, persist_config=False
                )
            except Exception as error:
                # With a malformed file the library fails with whatever it runs into.
                raise ConfigException(f"{path}: {type(error).__name__}: {error}") from error

    try:
        await log_in()
        return Client(configuration, log_in)
    except (ConfigException, OSError, ValueError) as error:
        raise InvalidSettingError(f"cannot log in to Kubernetes: {error}") from error


@contextlib.contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    # ValueError: the answer is no JSON. ConfigException and OSError: the token file is being replaced.
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, OpenApiException, ConfigException) as error:
        reason = str(error) or type(error).__name__
        raise KubernetesUnavailableError(f"no answer from the API server: {reason}") from error


def _message(body: bytes) -> str:
    try:
        status = json.loads(body)
    except ValueError:
        return body[:200].decode(errors="replace").strip()
    return str(status.get("message", "")) if isinstance(status, dict) else ""


def _forbidden(verb: Verb, resource: Resource, message: str) -> str:
    where = f"in a Role of the namespace {resource.namespace}" if resource.namespace else "in a ClusterRole"
    plural = f"{resource.plural}/status" if verb is Verb.PATCH else resource.plural
    return (
        f"the operator may not {verb} {resource}: grant its service account, {where}, "
        f'the rule apiGroups: ["{resource.group}"], resources: ["{plural}"], verbs: ["{verb}"] ({message})'
    )
