"""What tells this cluster from others that write to the same ZooKeeper."""

from dubbo_registrar.errors import KubernetesForbiddenError, KubernetesUnavailableError
from dubbo_registrar.kube.client import Client, Resource
from dubbo_registrar.model import ObjectKey

_KUBE_SYSTEM = ObjectKey("", "kube-system")


async def cluster_id(client: Client) -> str:
    """Return the uid of the namespace `kube-system`: every cluster has one, and it stays for the cluster's life.

    Raises:
        KubernetesForbiddenError: The operator may not read it; the text says what to set instead.
        KubernetesUnavailableError: There is no answer now.
        KubernetesRefusedError: There is no such namespace.
    """
    try:
        namespace = await client.get(Resource("namespaces"), _KUBE_SYSTEM)
    except KubernetesForbiddenError as error:
        raise KubernetesForbiddenError(f"set DUBBO_REGISTRAR_CLUSTER_ID, because {error}") from error
    match namespace:
        case {"metadata": {"uid": str(uid)}} if uid:
            return uid
        case _:
            raise KubernetesUnavailableError("the API server's answer for the namespace kube-system is no namespace")
