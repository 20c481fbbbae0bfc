"""The Kubernetes control plane without nodes: etcd, API server with RBAC, controller manager and scheduler.

Nodes and what runs on them are played by ``testbed.nodes`` and ``testbed.kubelet``.
"""

from __future__ import annotations

import base64
import json
import secrets
import socket
from typing import TYPE_CHECKING, Any

import urllib3

from testbed import binaries
from testbed.api import Api
from testbed.namespace import HOST_ADDRESS
from testbed.process import Process

if TYPE_CHECKING:
    from pathlib import Path

# An EC private key on P-256 in DER (RFC 5915) is a constant frame around 32 random bytes.
_EC_KEY_FRAME = (bytes.fromhex("30310201010420"), bytes.fromhex("a00a06082a8648ce3d030107"))

_TOKEN_SECONDS = 24 * 3600


class ControlPlane:
    """One Kubernetes cluster on loopback ports of its own; address and data stay over restarts of its parts.

    Attributes:
        api: A client with all rights.
        kubeconfig_path: A kubeconfig with all rights, there after ``start``.
    """

    def __init__(self, folder: Path) -> None:
        """Choose ports and write keys into ``folder``; nothing runs yet."""
        self._folder = folder
        self._certificates = folder / "certificates"
        self._certificates.mkdir(parents=True)
        (folder / "logs").mkdir(exist_ok=True)
        self._admin_token = secrets.token_hex(16)
        self.server = f"https://127.0.0.1:{free_port()}"
        self.certificate_authority = self._certificates / "apiserver.crt"
        self.api = self.client()
        self.kubeconfig_path = folder / "kubeconfig-default-admin.json"
        self._etcd = self._process("etcd", self._etcd_arguments())
        self._api_server = self._process("kube-apiserver", self._api_server_arguments())
        self._controller_manager = self._restarted("kube-controller-manager", self._controller_manager_arguments())
        self._scheduler = self._restarted("kube-scheduler", self._client_arguments())

    def start(self) -> None:
        """Start all parts; returns when pods can be created in the namespace ``default``."""
        self._etcd.start()
        self.start_api_server()
        self.kubeconfig()
        self._controller_manager.start()
        self._scheduler.start()
        self._api_server.wait_ready(lambda: bool(self.api.find("serviceaccounts", "default")))

    def stop(self) -> None:
        """End all parts; a graceful end would take the API server as long as there are watches."""
        for process in (self._scheduler, self._controller_manager, self._api_server, self._etcd):
            process.kill()
        self.api.close()

    def start_api_server(self) -> None:
        """Start the API server on its port and data; returns when it is ready."""
        self._api_server.start()
        self._api_server.wait_ready(self._answers)

    def stop_api_server(self, *, grace_seconds: float = 1.0) -> None:
        """Stop the API server; etcd, controllers and scheduler go on and find it again later."""
        if self._api_server.alive:
            self.api.close()
        self._api_server.stop(grace_seconds=grace_seconds)

    def kill_api_server(self) -> None:
        """End the API server without a word to its clients."""
        self.api.close()
        self._api_server.kill()

    def restart_api_server(self) -> None:
        """Stop and start the API server: every watch is cut."""
        self.stop_api_server()
        self.start_api_server()

    def restart_controllers(self) -> None:
        """Start controller manager and scheduler anew: after a long outage they take up to 30 s to look again."""
        for process in (self._controller_manager, self._scheduler):
            process.kill()
            process.start()

    def client(self, token: str = "", *, server: str = "") -> Api:
        """Return a client for the owner of ``token`` (all rights without one); who asks for it closes it.

        Args:
            token: Bearer token.
            server: Address instead of the API server's own, for a proxy.
        """
        return Api(
            server or self.server,
            certificate_authority=self.certificate_authority,
            token=token or self._admin_token,
        )

    def kubeconfig(self, service_account: str | None = None, *, namespace: str = "default", server: str = "") -> Path:
        """Write a kubeconfig and return its path.

        Args:
            service_account: Whose token to put in, by TokenRequest; the administrator's when there is none.
            namespace: That of the service account, and the default of the context.
            server: Address instead of the API server's own, for a proxy.
        """
        token = self._admin_token
        if service_account:
            path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
            request = {"spec": {"expirationSeconds": _TOKEN_SECONDS}}
            token = self.api.request("POST", path, body=request)["status"]["token"]
        name = service_account or "admin"
        file = self._folder / f"kubeconfig-{namespace}-{name}{'-proxied' if server else ''}.json"
        file.write_text(json.dumps(self._kubeconfig(token, namespace, server or self.server), indent=2))
        return file

    def _kubeconfig(self, token: str, namespace: str, server: str) -> dict[str, Any]:
        cluster = {"server": server, "certificate-authority": str(self.certificate_authority)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "testbed", "cluster": cluster}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [
                {"name": "testbed", "context": {"cluster": "testbed", "user": "user", "namespace": namespace}}
            ],
            "current-context": "testbed",
        }

    def _answers(self) -> bool:
        # The server writes its certificate while it starts: a client can only be made once it is there.
        if not self.certificate_authority.exists():
            return False
        with urllib3.PoolManager(ca_certs=str(self.certificate_authority), retries=False) as pool:
            try:
                answer = pool.request("GET", f"{self.server}/readyz", headers=self._bearer(), timeout=2.0)
            except urllib3.exceptions.HTTPError:
                return False
            return answer.status == 200  # noqa: PLR2004 - the HTTP status

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._admin_token}"}

    def _process(self, name: str, arguments: list[str]) -> Process:
        return Process(name, [str(binaries.path(name)), *arguments], log=self._folder / "logs" / f"{name}.log")

    def _restarted(self, name: str, arguments: list[str]) -> Process:
        # As a kubelet would: the scheduler ends by itself when a pod turns up on another node than the one it chose,
        # and the death of an API server in the middle of a binding is enough for that.
        loop = ["sh", "-c", 'while :; do setpriv --pdeathsig KILL "$@"; sleep 0.5; done', "sh"]
        command = [*loop, str(binaries.path(name)), *arguments]
        return Process(name, command, log=self._folder / "logs" / f"{name}.log")

    def _etcd_arguments(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._etcd_address = client
        return [
            f"--data-dir={self._folder / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--log-level=warn",
        ]

    def _api_server_arguments(self) -> list[str]:
        key = self._certificates / "service-accounts.key"
        key.write_text(_new_ec_key())
        tokens = self._certificates / "tokens.csv"
        tokens.write_text(f"{self._admin_token},admin,admin,system:masters\n")
        return [
            f"--etcd-servers={self._etcd_address}",
            f"--secure-port={self.server.rsplit(':', 1)[1]}",
            "--bind-address=127.0.0.1",
            # Without a default route the server does not start unless it is told an address; loopback is refused.
            f"--advertise-address={HOST_ADDRESS}",
            f"--cert-dir={self._certificates}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={tokens}",
        ]

    def _controller_manager_arguments(self) -> list[str]:
        return [
            *self._client_arguments(),
            f"--root-ca-file={self.certificate_authority}",
            f"--service-account-private-key-file={self._certificates / 'service-accounts.key'}",
            # A stopped kwok must not get all pods evicted after 40 s.
            "--node-monitor-grace-period=12h",
        ]

    def _client_arguments(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig_path}",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        ]


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _new_ec_key() -> str:
    # The top bit stays clear: the number must be below the order of the curve.
    scalar = (secrets.randbits(255) | 1).to_bytes(32, "big")
    der = _EC_KEY_FRAME[0] + scalar + _EC_KEY_FRAME[1]
    return f"-----BEGIN EC PRIVATE KEY-----\n{base64.b64encode(der).decode()}\n-----END EC PRIVATE KEY-----\n"
