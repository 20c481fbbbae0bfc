"""The nodes of the cluster, played by kwok: pods get addresses and states, nothing runs.

What a pod's annotations can make of it stands at the top of ``stages.yaml``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from testbed import binaries
from testbed.namespace import HOST_ADDRESS, POD_RANGE
from testbed.process import Process

if TYPE_CHECKING:
    from testbed.api import Object
    from testbed.control_plane import ControlPlane

ANNOTATION = "testbed.dubbo-registrar.io/"
"""Prefix of the annotations that direct a pod."""

PODS_PER_NODE = 250

_STAGES = Path(__file__).parent / "stages.yaml"


class Nodes:
    """``count`` nodes, each with an address range of its own: 10.64.0.0/24, 10.64.1.0/24 and so on."""

    def __init__(self, control_plane: ControlPlane, *, folder: Path, count: int = 8, first: int = 0) -> None:
        """Plan ``count`` nodes from number ``first`` on; test beds that share a private network need different ones."""
        self._control_plane = control_plane
        self._numbers = range(first, first + count)
        self._kwok = Process(
            "kwok",
            [
                str(binaries.path("kwok")),
                f"--kubeconfig={control_plane.kubeconfig_path}",
                f"--config={_STAGES}",
                "--manage-all-nodes=true",
                f"--cidr={POD_RANGE}",
                f"--node-ip={HOST_ADDRESS}",
                "--node-name=",
                "--node-port=0",
            ],
            log=folder / "logs" / "kwok.log",
        )

    def start(self) -> None:
        """Start kwok and make the nodes; returns when all of them are Ready."""
        self._kwok.start()
        api = self._control_plane.api
        for number in self._numbers:
            api.apply(_node(number))
        self._kwok.wait_ready(lambda: all(map(_schedulable, api.list("nodes"))))

    def stop(self) -> None:
        """Stop kwok. Pods stay as they are, also those that are being deleted."""
        self._kwok.stop()

    def restart(self) -> None:
        """Start kwok anew: after an outage of the API server it can take a minute to look again.

        It knows nothing of the addresses in use until their pods change: no new pods as long as others are there.
        """
        self._kwok.kill()
        self._kwok.start()

    def pause(self) -> None:
        """Freeze kwok: no pod changes its state."""
        self._kwok.pause()

    def resume(self) -> None:
        """Let kwok go on."""
        self._kwok.resume()


def _node(number: int) -> Object:
    resources = {"cpu": "1k", "memory": "1Ti", "pods": str(PODS_PER_NODE)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"node-{number}", "labels": {"kubernetes.io/hostname": f"node-{number}"}},
        "spec": {"podCIDR": f"10.64.{number}.0/24", "podCIDRs": [f"10.64.{number}.0/24"]},
        "status": {"allocatable": resources, "capacity": resources},
    }


def _schedulable(node: Object) -> bool:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", []))
    return ready and not node["spec"].get("taints")
