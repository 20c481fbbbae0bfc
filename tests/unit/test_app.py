"""The start of the operator while the API server is not ready for it."""

from typing import TYPE_CHECKING, Any, cast

from dubbo_registrar.app import _identify
from dubbo_registrar.errors import KubernetesForbiddenError, KubernetesUnavailableError
from tests.unit import virtual_time

if TYPE_CHECKING:
    from dubbo_registrar.kube.client import Client


class StartingApiServer:
    """Refuses connections, then forbids everything as long as it has not read its rules, then answers."""

    def __init__(self) -> None:
        self._answers = iter(
            (
                KubernetesUnavailableError("connection refused"),
                KubernetesForbiddenError("no rules yet"),
                KubernetesForbiddenError("no rules yet"),
                {"metadata": {"uid": "cluster-1"}},
            )
        )

    async def get(self, *_: object) -> Any:  # noqa: ANN401 - JSON
        """Answer as the next one in the row."""
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_the_operator_waits_for_an_api_server_that_starts() -> None:
    """Neither a refused connection nor a 403 ends the operator: the cluster's id is asked for until it is told."""
    assert virtual_time.run(_identify(cast("Client", StartingApiServer()))) == "cluster-1"
