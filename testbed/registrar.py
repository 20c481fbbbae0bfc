"""The operator as a process of its own, with its own service account: started, killed, frozen, measured."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import urllib3

from testbed.process import Process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from testbed.bed import TestBed

SERVICE_ACCOUNT = "dubbo-registrar"


class Registrar(Process):
    """``dubbo-registrar run`` against a test bed. Several may run; each needs a name of its own."""

    def __init__(
        self,
        bed: TestBed,
        *,
        env: Mapping[str, str] | None = None,
        namespace: str = "dubbo-registrar",
        name: str = "registrar",
        server: str = "",
    ) -> None:
        """Describe the process; nothing runs yet.

        Args:
            bed: Where it runs.
            env: Its settings, ``DUBBO_REGISTRAR_*``.
            namespace: The operator's own namespace, where its service account is.
            name: Of the process and its log.
            server: Address of the API server for it, instead of the real one: a ``testbed.flaky_api``.
        """
        self._bed = bed
        self._namespace = namespace
        self._server = server
        super().__init__(
            name,
            [sys.executable, "-m", "dubbo_registrar", "run"],
            log=bed.logs / f"{name}.log",
            env=dict(env or {}),
        )

    def start(self) -> None:
        """Start it with a fresh token, or with its former one while there is no API server; returns at once."""
        try:
            self.env["KUBECONFIG"] = str(self._kubeconfig())
        except urllib3.exceptions.HTTPError:
            if "KUBECONFIG" not in self.env:
                raise
        super().start()

    def _kubeconfig(self) -> Path:
        return self._bed.control_plane.kubeconfig(SERVICE_ACCOUNT, namespace=self._namespace, server=self._server)
