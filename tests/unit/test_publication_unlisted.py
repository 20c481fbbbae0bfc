"""A publication in a registry whose root it may not list."""

import pytest

from dubbo_registrar.errors import RefusedError
from tests.unit.objects import CART, providers
from tests.unit.test_publication import Setting
from tests.unit.virtual_time import eventually, run


def test_what_is_desired_is_registered_without_a_list_of_interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The root cannot be listed: providers are registered all the same, and the registry says what it lacks."""

    async def scenario() -> None:
        setting = Setting()

        async def interfaces() -> tuple[str, ...]:
            raise RefusedError("may not list")

        monkeypatch.setattr(setting.tree, "interfaces", interfaces)
        async with setting.running():
            setting.want(CART, providers(3))
            await eventually(lambda: setting.right and setting.settled)
            assert setting.publication.problem == "may not list"
            monkeypatch.undo()
            setting.publication.resync()
            await eventually(lambda: not setting.publication.problem)

    run(scenario())
