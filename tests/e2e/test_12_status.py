"""What people and tools are told: conditions that kstatus understands, kubectl's columns, and no write without news."""

import contextlib
import subprocess
import threading
import time
from functools import partial

import urllib3

from testbed import binaries
from testbed.api import Object
from testbed.waiting import let_pass, wait_until
from tests.e2e.shop import CART, OPERATOR_NAMESPACE, Shop, condition_of


def test_registry_that_comes_later(shop: Shop) -> None:
    """A service that names an unknown Registry says so, and is published once the Registry is there."""
    shop.open()
    shop.deploy(replicas=2, kind=None)
    shop.declare_service(registryRef={"name": "later"}, references=(CART,))
    wait_until(lambda: shop.condition("Ready")[1] == "RegistryNotFound", message="the status names what is missing")
    assert "'later'" in shop.condition("Ready")[2]
    assert verdict(shop.api.get("registryservices", "cart", namespace=shop.namespace)) == "Failed"

    shop.declare_registry("later", root="other")
    wait_until(lambda: len(shop.urls(CART, root="other")) == 2, message="the pods are listed below the other root")
    wait_until(lambda: shop.condition("Ready")[0] == "True", message="the status says that all is well")
    assert shop.urls(CART) == []


def test_registry_in_use(shop: Shop) -> None:
    """A deleted Registry waits for the RegistryServices that refer to it, and says so."""
    shop.open()
    shop.deploy(replicas=2, kind=None)
    shop.declare_service()
    shop.wait_listed(2)
    shop.api.delete("registries", "default", namespace=OPERATOR_NAMESPACE)

    wait_until(lambda: condition_of(registry(shop), "Ready")[1] == "InUse", message="the status says why it waits")
    assert "1 RegistryService" in condition_of(registry(shop), "Ready")[2]
    shop.scale("cart", 3)
    shop.wait_listed(3)

    shop.api.delete("registryservices", "cart", namespace=shop.namespace)
    wait_until(
        lambda: shop.api.find("registries", "default", namespace=OPERATOR_NAMESPACE) is None,
        timeout=30,
        message="the Registry is gone",
    )
    shop.wait_listed(0)


def test_kubectl(shop: Shop) -> None:
    """`kubectl get dsvc` says of each service whether it is visible, and if not why."""
    shop.open()
    shop.deploy(replicas=2, kind=None)
    shop.declare_service("cart")
    shop.declare_service("nobody", references=(CART,))
    shop.declare_service("no-port", app="cart", references=(CART,), protocols=[{"name": "dubbo", "port": "rpc"}])
    shop.declare_service("no-registry", app="cart", references=(CART,), registryRef={"name": "nowhere"})
    shop.declare_service("suspended", app="cart", references=(CART,), suspend=True)
    expected = {
        "cart": ["demo.CartService", "4/4", "True", "Registered"],
        "nobody": ["demo.CartService", "0/0", "False", "NoMatchingPods"],
        "no-port": ["demo.CartService", "0/0", "False", "PortNotFound"],
        "no-registry": ["demo.CartService", "0/2", "False", "RegistryNotFound"],
        "suspended": ["demo.CartService", "0/0", "False", "Suspended"],
    }
    wait_until(lambda: columns(kubectl(shop, "get", "dsvc")) == expected, timeout=15, message="kubectl says it")

    for arguments in (("get", "dsvc"), ("get", "dsvc", "-o", "wide"), ("get", "dubbo", "-A")):
        print(f"$ kubectl {' '.join(arguments)}\n{kubectl(shop, *arguments)}")
    wide = kubectl(shop, "get", "dsvc", "-o", "wide")
    assert "no container has a port named 'rpc' (port names of the pod: dubbo)" in wide
    assert "no Registry named 'nowhere'" in wide


def test_conditions(shop: Shop) -> None:
    """Every status is about the generation it names, and kstatus reads it as it is meant."""
    shop.open()
    shop.declare_service()
    wait_until(partial(reads, shop, "InProgress", "NoMatchingPods"), message="no pods yet: in progress")
    shop.deploy(replicas=2, kind=None)
    wait_until(partial(reads, shop, "Current", "Registered"), timeout=20, message="registered: current")
    shop.declare_service(protocols=[{"name": "dubbo", "port": "rpc"}])
    wait_until(partial(reads, shop, "Failed", "PortNotFound"), message="an unknown port: failed")
    shop.declare_service()
    wait_until(partial(reads, shop, "Current", "Registered"), message="mended: current")
    shop.zookeeper.stop()
    wait_until(partial(reads, shop, "InProgress", "RegistryUnavailable"), timeout=30, message="away: in progress")
    shop.zookeeper.start()
    wait_until(partial(reads, shop, "Current", "Registered"), timeout=30, message="back: current")


def test_written_on_change_only(shop: Shop) -> None:
    """A status is written at most once a second while much changes, and not at all while nothing does."""
    shop.open()
    shop.deploy(replicas=2, kind=None)
    shop.declare_service()
    wait_until(partial(reads, shop, "Current", "Registered"), timeout=20, message="registered")
    writes, stop = Writes(shop), time.monotonic() + 6

    def churned() -> bool:
        shop.scale("cart", 2 + int(time.monotonic() * 4) % 4)
        return time.monotonic() > stop

    wait_until(churned, message="six seconds of changes")
    shop.scale("cart", 3)
    shop.wait_listed(3)
    settled = {"selected": 3, "ready": 3, "wanted": 6, "registered": 6}
    wait_until(lambda: shop.status()["providers"] == settled, message="the status says what stands there")
    gaps = [after - before for before, after in zip(writes.times, writes.times[1:], strict=False)]
    print(f"{len(writes.times)} writes of a status in 6 s of changes, {min(gaps):.2f} s apart or more")
    assert len(gaps) >= 3
    assert min(gaps) > 0.9

    let_pass(2)  # the status may have said so before, and something else may be on its way
    quiet = version(shop)
    let_pass(4)
    assert version(shop) == quiet


class Writes:
    """Notes when the status of the service changes."""

    def __init__(self, shop: Shop) -> None:
        """Begin to watch."""
        self.times: list[float] = []
        item = shop.api.get("registryservices", "cart", namespace=shop.namespace)
        self._status = item["status"]
        self._events = shop.bed.control_plane.client().watch(
            "registryservices",
            resource_version=item["metadata"]["resourceVersion"],
            namespace=shop.namespace,
            timeout_seconds=20,
        )
        threading.Thread(target=self._note, daemon=True).start()

    def _note(self) -> None:
        with contextlib.suppress(urllib3.exceptions.HTTPError):  # the API server ends it, or is gone
            for event in self._events:
                status = event["object"].get("status")
                if status != self._status:
                    self.times.append(time.monotonic())
                    self._status = status


def verdict(item: Object) -> str:
    """Return what kstatus makes of an object (sigs.k8s.io/cli-utils, pkg/kstatus/status: `checkGenericProperties`)."""
    status = item.get("status", {})
    if status.get("observedGeneration") != item["metadata"]["generation"]:
        return "InProgress"
    held = {condition["type"]: condition["status"] for condition in status["conditions"]}
    if held.get("Reconciling") == "True":
        return "InProgress"
    if held.get("Stalled") == "True":
        return "Failed"
    return "Current" if held["Ready"] == "True" else "InProgress"


def reads(shop: Shop, expected: str, reason: str) -> bool:
    """Tell whether kstatus says this of the service, for this reason; no condition may be about another generation."""
    item = shop.api.get("registryservices", "cart", namespace=shop.namespace)
    status = item.get("status", {})
    generations = {condition["observedGeneration"] for condition in status.get("conditions", [])}
    assert generations <= {status.get("observedGeneration")}
    return verdict(item) == expected and condition_of(status, "Ready")[1] == reason


def version(shop: Shop) -> str:
    """Return the resource version of the service: every write changes it."""
    metadata = shop.api.get("registryservices", "cart", namespace=shop.namespace)["metadata"]
    return str(metadata["resourceVersion"])


def registry(shop: Shop) -> Object:
    """Return the status of the Registry."""
    found: Object = shop.api.get("registries", "default", namespace=OPERATOR_NAMESPACE).get("status", {})
    return found


def kubectl(shop: Shop, *arguments: str) -> str:
    """Run kubectl in the shop's namespace and return what it prints."""
    kubeconfig = f"--kubeconfig={shop.bed.control_plane.kubeconfig_path}"
    command = [str(binaries.path("kubectl")), kubeconfig, f"--namespace={shop.namespace}", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def columns(table: str) -> dict[str, list[str]]:
    """Return the cells of a table by the name in the first column, without the age in the last one."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return {name: cells[:-1] for name, *cells in rows}
