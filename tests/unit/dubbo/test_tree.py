"""The names in Dubbo's registry tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubbo_registrar.dubbo.tree import NOT_INTERFACES, directory_name, interface_of, providers_path


def test_providers_path_of_an_inner_class() -> None:
    """The `$` of an inner class is escaped, as Java consumers look for it."""
    assert providers_path("dubbo", "com.foo.A$B") == "/dubbo/com.foo.A%24B/providers"


@given(
    st.text(st.characters(exclude_categories=["Cs"])).filter(lambda name: name not in {"", ".", "..", *NOT_INTERFACES})
)
def test_interface_of_undoes_directory_name(interface: str) -> None:
    """The directory of an interface tells the interface, and is a single name."""
    assert interface_of(directory_name(interface)) == interface
    assert "/" not in directory_name(interface)


@pytest.mark.parametrize("name", ["config", "mapping", "metadata"])
def test_what_dubbo_keeps_beside_interfaces(name: str) -> None:
    """What Dubbo 2.7 and 3 keep beside the interfaces is not one of them, and none can be written there."""
    assert interface_of(name) is None
    with pytest.raises(ValueError, match=name):
        directory_name(name)


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_names_that_zookeeper_refuses(name: str) -> None:
    """A name that would be another directory is refused."""
    with pytest.raises(ValueError, match="directory"):
        providers_path("dubbo", name)


def test_interface_of_a_broken_name() -> None:
    """A directory that Java cannot decode belongs to no interface."""
    assert interface_of("com.foo.A%2") is None


@pytest.mark.parametrize("name", ["%2E", "%2e%2E", "%63onfig", "", "com%2Efoo.A", "com.foo.A%2fB", "com.foo A", "%FF"])
def test_interface_of_a_name_that_no_client_writes(name: str) -> None:
    """A directory that is not the one of the interface it seems to name belongs to none."""
    assert interface_of(name) is None
