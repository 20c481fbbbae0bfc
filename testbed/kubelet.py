"""A kubelet in miniature: one real provider process for each pod that asks for one, bound to the pod's address.

It runs no containers, probes or volumes. Address and phase of a pod come from ``testbed.nodes``; a pod asks by the
annotation ``testbed.dubbo-registrar.io/provider``, see ``testbed.pod``.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import urllib3

from testbed.api import ApiError
from testbed.pod import PROVIDER, Pod

if TYPE_CHECKING:
    from pathlib import Path

    from testbed.api import Api, Object
    from testbed.pod import ProviderFactory, Termination

_RETRY_SECONDS = 0.1


class Kubelet:
    """All nodes' kubelet. It survives an absent API server as a real one does: the processes go on.

    Attributes:
        terminations: How each pod ended, by the uid of the pod; kept after the pod is gone.
    """

    def __init__(self, api: Api, *, log_dir: Path, provider: ProviderFactory) -> None:
        """Serve the pods of all namespaces with processes made by ``provider``."""
        self.terminations: dict[str, Termination] = {}
        self._api = api
        self._log_dir = log_dir
        self._provider = provider
        self._pods: dict[str, Pod] = {}
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start to watch pods."""
        threading.Thread(target=self._run, name="kubelet", daemon=True).start()

    def stop(self) -> None:
        """Kill all processes and leave the pods as they are."""
        self._stopping.set()
        for pod in list(self._pods.values()):
            pod.abandon()

    def pod(self, name: str, *, namespace: str = "default") -> Pod:
        """Return the running part of a pod. Raises ``KeyError`` when there is none of that name."""
        for pod in list(self._pods.values()):
            if (pod.namespace, pod.name) == (namespace, name):
                return pod
        raise KeyError(name)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._list_and_watch()
            except (ApiError, urllib3.exceptions.HTTPError):
                self._stopping.wait(_RETRY_SECONDS)

    def _list_and_watch(self) -> None:
        listed = self._api.request("GET", "/api/v1/pods")
        present = {item["metadata"]["uid"] for item in listed["items"]}
        for uid in self._pods.keys() - present:
            self._pods.pop(uid).vanish()
        for item in listed["items"]:
            self._observe(item)
        for event in self._api.watch("pods", resource_version=listed["metadata"]["resourceVersion"]):
            if self._stopping.is_set():
                return
            if event["type"] == "ERROR":
                return
            if event["type"] == "DELETED":
                gone = self._pods.pop(event["object"]["metadata"]["uid"], None)
                if gone:
                    gone.vanish()
            else:
                self._observe(event["object"])

    def _observe(self, item: Object) -> None:
        uid = item["metadata"]["uid"]
        if PROVIDER not in item["metadata"].get("annotations", {}):
            return
        if uid not in self._pods:
            self._pods[uid] = Pod(self._api, item, log_dir=self._log_dir, provider=self._provider)
            self._pods[uid].start(self.terminations)
        self._pods[uid].observe(item)
