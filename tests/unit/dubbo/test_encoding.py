"""Text to node names and back, as `java.net.URLEncoder` and `URLDecoder` do; tests/parity compares with Java itself."""

import re
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dubbo_registrar.dubbo.encoding import MalformedUrlError, decode, encode

TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(min_codepoint=32, max_codepoint=126))
)


def test_encode_of_every_kind_of_character() -> None:
    """What URLEncoder of JDK 17 makes of every kind of character."""
    assert encode("a b*c~d-e_f.g/h:i?j&k=l%m+n,o;$[]@!'()#中") == (
        "a+b*c%7Ed-e_f.g%2Fh%3Ai%3Fj%26k%3Dl%25m%2Bn%2Co%3B%24%5B%5D%40%21%27%28%29%23%E4%B8%AD"
    )


def test_encode_of_a_lone_surrogate() -> None:
    """A lone surrogate becomes an escaped question mark, as in Java."""
    assert encode("a\ud800b") == "a%3Fb"


@given(TEXT)
def test_decode_undoes_encode(text: str) -> None:
    """Whatever is encoded is decoded to the same text."""
    assert decode(encode(text)) == text


@given(TEXT)
def test_encoded_alphabet(text: str) -> None:
    """A node name has no slash, no space and no lower-case escapes: Java 2.7 drops names with those."""
    assert re.fullmatch(r"(?:[A-Za-z0-9.*_+-]|%[0-9A-F]{2})*", encode(text))


@given(TEXT)
def test_encode_is_quote_plus_but_for_two_characters(text: str) -> None:
    """The fast way for ASCII and the general one agree with the recipe that was compared with Java."""
    assert encode(text) == quote_plus(text, safe="*").replace("~", "%7E")


@given(st.text("%+09afAFgG/ é"))
@example("%e4%b8%ad")
@example("%E4%B8")
def test_decode_reads_or_refuses(name: str) -> None:
    """Whatever stands in ZooKeeper is either read, or refused because of a percent sign without two digits."""
    broken = re.search("%(?![0-9a-fA-F]{2})", name)
    if broken:
        with pytest.raises(MalformedUrlError, match=f"character {broken.start()} "):
            decode(name)
    else:
        assert "+" not in decode(name.replace("%2B", "").replace("%2b", ""))


@pytest.mark.parametrize("name", ["%", "a%2", "%ZZ", "100%25%", "%-1", "%+5"])
def test_decode_refuses_a_broken_escape(name: str) -> None:
    """A broken escape is refused, as in Java."""
    with pytest.raises(MalformedUrlError):
        decode(name)
