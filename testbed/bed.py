"""Everything together: one folder, one control plane with nodes and kubelet, and ZooKeeper, started side by side.

The control plane takes about 3 s, so a test suite keeps one test bed for all its tests.
"""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from testbed import namespace
from testbed.api import ApiError
from testbed.control_plane import ControlPlane
from testbed.dubbo import Provider, Service
from testbed.kubelet import Kubelet
from testbed.nodes import Nodes
from testbed.process import ProcessError
from testbed.waiting import wait_until
from testbed.zookeeper import Ensemble, ZooKeeper

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from testbed.api import Api
    from testbed.pod import Provider as PodProvider
    from testbed.pod import ProviderFactory

_CUSTOM_RESOURCES = Path(__file__).parents[1] / "crds"
_OPERATOR_MANIFEST = Path(__file__).parent / "manifests" / "operator.yaml"

# The pod range has room for eight workers of a test run.
_MOST_NODES = 32

_running: list[TestBed] = []


def dubbo_provider(specification: dict[str, Any], *, host: str, name: str, log_dir: Path) -> PodProvider:
    """Return the real Dubbo provider that a pod's annotation asks for."""
    return Provider(
        kind=specification["kind"],
        host=host,
        port=specification["port"],
        protocol=specification["protocol"],
        services=[Service(**service) for service in specification["services"]],
        name=name,
        log_dir=log_dir,
    )


def running() -> list[TestBed]:
    """Return the test beds of this process that run now."""
    return list(_running)


class TestBed:
    """A test bed, for use in a ``with`` block inside the private network (``testbed.namespace``).

    Attributes:
        folder: Everything it writes; removed at the end unless ``keep`` is set or the block raises.
        logs: The logs of all components.
        keep: Leave the folder for inspection.
        control_plane: Kubernetes, with the custom resources of ``crds/`` and the operator's service account.
        nodes: Its nodes.
        kubelet: Runs a provider process for each pod that asks for one.
        zookeeper: A server alone.
        ensemble: Three servers.
    """

    __test__ = False  # pytest takes classes called Test* for tests.

    def __init__(
        self,
        *,
        kubernetes: bool = True,
        zookeeper: bool = True,
        ensemble: bool = False,
        nodes: int = 8,
        provider: ProviderFactory = dubbo_provider,
    ) -> None:
        """Plan what is wanted; nothing runs yet.

        Args:
            kubernetes: Whether a cluster is wanted.
            zookeeper: Whether a ZooKeeper server alone is wanted.
            ensemble: Whether three ZooKeeper servers are wanted.
            nodes: How many nodes, each for 250 pods, at most 32.
            provider: Makes the processes behind the pods that ask for one.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="dubbo-registrar-testbed-"))
        self.logs = self.folder / "logs"
        self.keep = False
        self.control_plane = ControlPlane(self.folder)
        self.nodes = Nodes(self.control_plane, folder=self.folder, count=nodes, first=namespace.worker() * _MOST_NODES)
        self.kubelet = Kubelet(self.control_plane.api, log_dir=self.logs / "pods", provider=provider)
        self.zookeeper = ZooKeeper(self.folder)
        self.ensemble = Ensemble(self.folder)
        self._kubernetes = kubernetes
        self._starts: list[Callable[[], None]] = []
        if kubernetes:
            self._starts.append(self._start_kubernetes)
        if zookeeper:
            self._starts.append(self.zookeeper.start)
        if ensemble:
            self._starts.append(self.ensemble.start)

    @property
    def api(self) -> Api:
        """A client of the API server with all rights."""
        return self.control_plane.api

    def start(self) -> None:
        """Start everything; returns when pods become Ready and ZooKeeper answers.

        Raises:
            ProcessError: A part did not start, or the private network is missing.
        """
        if not namespace.inside():
            raise ProcessError("the test bed starts only in its private network: use `python -m testbed`")
        _running.append(self)
        with ThreadPoolExecutor(max(1, len(self._starts))) as pool:
            started = [pool.submit(start) for start in self._starts]
        for future in started:
            future.result()

    def close(self) -> None:
        """End everything and remove the folder unless ``keep`` is set."""
        if self in _running:
            _running.remove(self)
        if self._kubernetes:
            self.kubelet.stop()
            self.nodes.stop()
            self.control_plane.stop()
        self.zookeeper.close()
        self.ensemble.close()
        if not self.keep:
            shutil.rmtree(self.folder)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.keep = True
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.keep = self.keep or kind is not None
        self.close()

    def _start_kubernetes(self) -> None:
        self.control_plane.start()
        for manifest in sorted(_CUSTOM_RESOURCES.glob("*.yaml")):
            self.api.apply(manifest)
        self.api.apply(_OPERATOR_MANIFEST)
        self.nodes.start()
        self.kubelet.start()
        wait_until(self._served, message="custom resources can be read")

    def _served(self) -> bool:
        # The storage of a definition initialises for a moment after it was called established.
        try:
            for definition in self.api.list("customresourcedefinitions"):
                self.api.list(definition["spec"]["names"]["kind"], namespace=None)
        except ApiError:
            return False
        return True
