"""A small client of the Kubernetes API for tests: plain dictionaries in and out, no retries, no caches but discovery.

It is not the operator's client, so that a mistake there cannot hide behind the same mistake here.
"""

from __future__ import annotations

import http
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

import urllib3
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object, or any other JSON object of its API."""

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
_APPLY_PATCH = "application/apply-patch+yaml"


class ApiError(Exception):
    """The API server refused a request.

    Attributes:
        status: HTTP status code.
        message: What the server said.
    """

    def __init__(self, status: int, message: str) -> None:
        """Take over what the server answered."""
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Api:
    """Requests with one identity. Resources are named as kubectl does: ``pods``, ``Pod`` or ``deployments``.

    Every method raises ``ApiError`` on a refusal and ``urllib3.exceptions.HTTPError`` when there is no answer.
    """

    def __init__(self, server: str, *, certificate_authority: Path, token: str) -> None:
        """Talk to ``server`` (``https://host:port``) as the owner of ``token``."""
        self.server = server
        self._token = token
        self._pool = urllib3.PoolManager(ca_certs=str(certificate_authority), retries=False, maxsize=8)
        self._paths: dict[str, tuple[str, str, bool]] = {}

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def apply(self, manifest: Object | str | Path, *, namespace: str = "default") -> list[Object]:
        """Apply (server-side) an object, the text of YAML documents, or a YAML file; return what the server made."""
        return [self._apply(document, namespace) for document in _documents(manifest)]

    def create(self, manifest: Object, *, namespace: str = "default") -> Object:
        """Create an object; its own namespace goes before ``namespace``."""
        return self.request("POST", self._path(manifest["kind"], _namespace_of(manifest, namespace)), body=manifest)

    def get(self, resource: str, name: str, *, namespace: str = "default") -> Object:
        """Read one object."""
        return self.request("GET", f"{self._path(resource, namespace)}/{name}")

    def find(self, resource: str, name: str, *, namespace: str = "default") -> Object | None:
        """Read one object, None when there is none."""
        try:
            return self.get(resource, name, namespace=namespace)
        except ApiError as error:
            if error.status == http.HTTPStatus.NOT_FOUND:
                return None
            raise

    def list(self, resource: str, *, namespace: str | None = "default", labels: str = "") -> list[Object]:
        """Read all objects of a namespace, of all namespaces with None, that match a label selector."""
        query = {"labelSelector": labels} if labels else None
        items: list[Object] = self.request("GET", self._path(resource, namespace), query=query)["items"]
        return items

    def patch(
        self, resource: str, name: str, patch: Object, *, namespace: str = "default", subresource: str = ""
    ) -> Object:
        """Apply a JSON merge patch, to a subresource such as ``status`` or ``scale`` when one is named."""
        path = f"{self._path(resource, namespace)}/{name}/{subresource}".rstrip("/")
        return self.request("PATCH", path, body=patch, content_type=_MERGE_PATCH)

    def annotate(
        self, resource: str, name: str, annotations: dict[str, str | None], *, namespace: str = "default"
    ) -> None:
        """Set annotations; None removes one."""
        self.patch(resource, name, {"metadata": {"annotations": annotations}}, namespace=namespace)

    def delete(self, resource: str, name: str, *, namespace: str = "default", grace_seconds: int | None = None) -> None:
        """Ask for the deletion of an object, with a grace period of its own when one is given."""
        query = None if grace_seconds is None else {"gracePeriodSeconds": str(grace_seconds)}
        self.request("DELETE", f"{self._path(resource, namespace)}/{name}", query=query)

    def watch(
        self, resource: str, *, resource_version: str, namespace: str | None = None, timeout_seconds: int = 300
    ) -> Iterator[Object]:
        """Yield watch events (``type``, ``object``) after ``resource_version`` until the server ends the watch."""
        query = {"watch": "1", "resourceVersion": resource_version, "timeoutSeconds": str(timeout_seconds)}
        url = f"{self.server}{self._path(resource, namespace)}?{urlencode(query)}"
        response = self._pool.request("GET", url, headers=self._headers(), preload_content=False)
        try:
            if response.status >= http.HTTPStatus.BAD_REQUEST:
                raise _error(response.status, response.read())
            buffer = b""
            for chunk in response.stream(amt=None):
                *lines, buffer = (buffer + chunk).split(b"\n")
                yield from (json.loads(line) for line in lines)
        finally:
            response.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Object | None = None,
        content_type: str = _JSON,
        query: dict[str, str] | None = None,
        accept: str = _JSON,
    ) -> Object:
        """Send one request to a path such as ``/readyz`` or ``/api/v1/pods`` and return the JSON object answered.

        An answer that is not JSON comes as ``{"text": ...}``.
        """
        url = f"{self.server}{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body)
        headers = {**self._headers(), "Content-Type": content_type, "Accept": accept}
        response = self._pool.request(method, url, body=data, headers=headers)
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise _error(response.status, response.data)
        if not response.headers.get("Content-Type", "").startswith(_JSON):
            return {"text": response.data.decode()}
        answer: Object = json.loads(response.data)
        return answer

    def _apply(self, document: Object, namespace: str) -> Object:
        path = f"{self._path(document['kind'], _namespace_of(document, namespace))}/{document['metadata']['name']}"
        query = {"fieldManager": "testbed", "force": "true"}
        return self.request("PATCH", path, body=document, content_type=_APPLY_PATCH, query=query)

    def _path(self, resource: str, namespace: str | None) -> str:
        if resource not in self._paths:
            self._discover()
        try:
            prefix, plural, namespaced = self._paths[resource]
        except KeyError:
            raise ApiError(http.HTTPStatus.NOT_FOUND, f"the server has no resource {resource!r}") from None
        return f"{prefix}/namespaces/{namespace}/{plural}" if namespaced and namespace else f"{prefix}/{plural}"

    def _discover(self) -> None:
        # The core group comes first and the first one wins: two groups have Events.
        for root in ("/api", "/apis"):
            for group in self.request("GET", root, accept=_DISCOVERY)["items"]:
                version = group["versions"][0]
                name = group["metadata"].get("name", "")
                prefix = "/".join(part for part in (root, name, version["version"]) if part)
                for resource in version["resources"]:
                    entry = (prefix, resource["resource"], resource["scope"] == "Namespaced")
                    self._paths.setdefault(resource["resource"], entry)
                    self._paths.setdefault(resource["responseKind"]["kind"], entry)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


def _documents(manifest: Object | str | Path) -> list[Object]:
    if isinstance(manifest, dict):
        return [manifest]
    text = manifest.read_text() if isinstance(manifest, Path) else manifest
    return [document for document in yaml.safe_load_all(text) if document]


def _namespace_of(manifest: Object, default: str) -> str:
    namespace: str = manifest["metadata"].get("namespace", default)
    return namespace


def _error(status: int, data: bytes) -> ApiError:
    try:
        message = json.loads(data)["message"]
    except (ValueError, KeyError, TypeError):
        message = data.decode(errors="replace")
    return ApiError(status, message)
