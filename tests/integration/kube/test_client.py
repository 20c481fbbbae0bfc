"""Login: where it comes from, what is said when it cannot be used, and that it is renewed."""

from pathlib import Path

import pytest

from dubbo_registrar.errors import InvalidSettingError
from dubbo_registrar.kube.client import connect
from tests.integration.kube.fake_api_server import FakeApiServer
from tests.integration.kube.mirror import Mirror, kubeconfig, logged_in, running

pytestmark = pytest.mark.asyncio


async def test_renewed_token(server: FakeApiServer, tmp_path: Path) -> None:
    """When the API server does not know the token any more, the kubeconfig is read again and the new one is used."""
    file = kubeconfig(server.url, tmp_path)
    async with logged_in(file) as client:
        mirror = Mirror(client)
        file.write_text(file.read_text().replace("anything", "renewed"))
        server.answers.append((401, {"message": "Unauthorized"}))
        async with running(mirror.reflector):
            await mirror.reflector.synced_event.wait()

    assert server.tokens[:2] == ["Bearer anything", "Bearer renewed"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "clusters: 5", '{"current-context": "absent", "contexts": []}'])
async def test_file_that_is_no_kubeconfig(tmp_path: Path, text: str) -> None:
    """What is no kubeconfig is refused as a setting."""
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    with pytest.raises(InvalidSettingError, match="cannot log in to Kubernetes"):
        await connect(kubeconfig=file)


async def test_no_file(tmp_path: Path) -> None:
    """A kubeconfig that is not there is refused as a setting."""
    with pytest.raises(InvalidSettingError, match="cannot log in to Kubernetes"):
        await connect(kubeconfig=tmp_path / "absent")


async def test_unknown_context(server: FakeApiServer, tmp_path: Path) -> None:
    """A context that the kubeconfig does not have is refused as a setting."""
    with pytest.raises(InvalidSettingError, match="cannot log in to Kubernetes"):
        await connect(kubeconfig=kubeconfig(server.url, tmp_path), context="absent")


async def test_kubeconfig_goes_before_the_pod(
    server: FakeApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pod, KUBECONFIG is used when it is set, else the login of the pod's service account."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with pytest.raises(InvalidSettingError, match="Service token file does not exist"):
        await connect()

    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(server.url, tmp_path)))
    client = await connect()
    mirror = Mirror(client)
    async with running(mirror.reflector):
        await mirror.reflector.synced_event.wait()
    await client.close()
