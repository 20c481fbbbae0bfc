"""Service keys: `[group/]interface[:version]`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubbo_registrar.dubbo.service_key import ServiceKey

NAMES = st.from_regex(r"[A-Za-z_$][A-Za-z0-9_.$-]{0,20}", fullmatch=True)
KEYS = st.builds(ServiceKey, NAMES, group=st.none() | NAMES, version=st.none() | NAMES)


@given(KEYS)
def test_parse_undoes_text(key: ServiceKey) -> None:
    """Every service key is read back from its text."""
    assert ServiceKey.parse(str(key)) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a.B", ServiceKey("a.B")),
        ("g/a.B", ServiceKey("a.B", group="g")),
        ("a.B:1.0.0", ServiceKey("a.B", version="1.0.0")),
        ("g/a.B:1.0.0", ServiceKey("a.B", group="g", version="1.0.0")),
        ("/a.B:", ServiceKey("a.B")),
    ],
)
def test_parse(text: str, key: ServiceKey) -> None:
    """Group and version are there when the text has them."""
    assert ServiceKey.parse(text) == key


def test_empty_group_and_version() -> None:
    """An empty group or version leaves no trace in the text."""
    assert str(ServiceKey("a.B", group="", version="")) == "a.B"


@pytest.mark.parametrize("text", ["", "g/", ":1.0.0", "g/:1.0.0"])
def test_parse_refuses_no_interface(text: str) -> None:
    """A service key without an interface is refused."""
    with pytest.raises(ValueError, match="no interface"):
        ServiceKey.parse(text)
