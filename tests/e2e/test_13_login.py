"""The operator's login stops being valid and a new one takes its place, as when a token is revoked or rotated."""

import http
import json
from pathlib import Path

from testbed.api import Api, ApiError
from testbed.registrar import SERVICE_ACCOUNT
from testbed.waiting import wait_until
from tests.e2e.shop import CART, OPERATOR_NAMESPACE, Shop


def test_a_lost_login_is_survived_by_the_same_process(shop: Shop) -> None:
    """No provider goes, the process lives on, kopf's part included, and all is made up for with the new login."""
    shop.open()
    shop.deploy(replicas=2, kind=None)
    shop.declare_service(references=(CART,))
    listed = shop.wait_listed(2, references=(CART,))
    wait_until(lambda: finalizers(shop, "cart"), message="kopf holds the service")
    process = shop.registrar.pid

    revoke(shop)
    shop.declare_service("late", app="cart", references=(CART,))
    wait_until(
        lambda: "kopf ended and is started again" in shop.registrar.log.read_text(),
        timeout=60.0,
        message="kopf is started again",
    )
    assert shop.listed(CART) == listed

    shop.bed.control_plane.kubeconfig(SERVICE_ACCOUNT, namespace=OPERATOR_NAMESPACE)
    wait_until(lambda: finalizers(shop, "late"), timeout=30.0, message="kopf holds the second service")
    wait_until(lambda: shop.status("late"), timeout=30.0, message="the second service has a status")
    shop.scale("cart", 3)
    shop.wait_listed(3, references=(CART,))
    assert (shop.registrar.alive, shop.registrar.pid) == (True, process)


def revoke(shop: Shop) -> None:
    """Replace the operator's service account by another of its name; return when the old token is refused."""
    login = json.loads(Path(shop.registrar.env["KUBECONFIG"]).read_text())
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": SERVICE_ACCOUNT}}
    shop.api.delete("serviceaccounts", SERVICE_ACCOUNT, namespace=OPERATOR_NAMESPACE)
    shop.api.apply(account, namespace=OPERATOR_NAMESPACE)
    former = Api(
        login["clusters"][0]["cluster"]["server"],
        certificate_authority=Path(login["clusters"][0]["cluster"]["certificate-authority"]),
        token=login["users"][0]["user"]["token"],
    )
    # The API server believes for some seconds what it has found out about a token.
    wait_until(lambda: refused(former), timeout=30.0, message="the former token is refused")
    former.close()


def refused(api: Api) -> bool:
    """Tell whether the API server does not know who asks."""
    try:
        api.request("GET", "/api/v1/pods", query={"limit": "1"})
    except ApiError as error:
        return error.status == http.HTTPStatus.UNAUTHORIZED
    return False


def finalizers(shop: Shop, service: str) -> list[str]:
    """Return what holds a RegistryService."""
    found: list[str] = shop.api.get("registryservices", service, namespace=shop.namespace)["metadata"].get(
        "finalizers", []
    )
    return found
