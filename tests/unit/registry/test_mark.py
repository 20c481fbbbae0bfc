"""The mark as data of a node: what is written is read back, and nothing else is taken for a mark."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dubbo_registrar.model import Mark, ObjectKey, Owner
from dubbo_registrar.registry.mark import decode, encode

MARK = Mark(Owner("cluster-uid", "dubbo/registrar", "default"), ObjectKey("shop", "cart"), "service-uid", "pod-uid")

TEXT = st.text(max_size=40)
MARKS = st.builds(Mark, st.builds(Owner, TEXT, TEXT, TEXT), st.builds(ObjectKey, TEXT, TEXT), TEXT, TEXT)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=8),
    max_leaves=20,
)


def test_form() -> None:
    """The data is the documented JSON object: other versions of the operator and people have to read it."""
    assert encode(MARK) == (
        b'{"dubbo-registrar":1,"cluster":"cluster-uid","install":"dubbo/registrar","registry":"default",'
        b'"namespace":"shop","service":"cart","serviceUid":"service-uid","podUid":"pod-uid"}'
    )


@given(MARKS)
def test_decode_undoes_encode(mark: Mark) -> None:
    """Every mark is read back as it was written, whatever characters are in it."""
    assert decode(encode(mark)) == mark


@given(st.binary(max_size=8192))
@example(b"")
@example(b"10.0.0.1")
@example(b"[" * 4096)
@example(b"9" * 4096)
@example(b'{"a":' * 800)
@example(b"\xff\xfe")
def test_decode_of_anything(data: bytes) -> None:
    """Data of others is never a mark, and never an error."""
    assert decode(data) is None


def test_decode_of_no_data() -> None:
    """A node without data, as `create <path>` of ZooKeeper's own shell makes it, carries no mark."""
    assert decode(None) is None


@given(JSON)
def test_decode_of_any_json(content: object) -> None:
    """JSON of others is no mark."""
    assert decode(json.dumps(content).encode()) is None


@given(st.sampled_from(sorted(json.loads(encode(MARK)))), JSON)
def test_decode_of_a_changed_field(key: str, value: object) -> None:
    """A mark with another version or with a value that is no text is no mark."""
    content = json.loads(encode(MARK))
    changed = json.dumps(content | {key: value}).encode()

    assert (decode(changed) is not None) == (
        (type(value) is int and value == 1) if key == "dubbo-registrar" else isinstance(value, str)
    )


@pytest.mark.parametrize("version", ["true", "1.0", '"1"', "2", "null"])
def test_decode_of_a_version_that_only_looks_right(version: str) -> None:
    """The version is the number 1, not something that Python takes for its equal."""
    assert decode(encode(MARK).replace(b":1,", f":{version},".encode(), 1)) is None


@given(st.data())
def test_decode_of_damaged_data(data: st.DataObject) -> None:
    """A mark that was cut off is no mark."""
    written = encode(MARK)

    assert decode(written[: data.draw(st.integers(0, len(written) - 1))]) is None


def test_encode_of_a_long_mark() -> None:
    """A mark that would not be read back is not written."""
    with pytest.raises(ValueError, match="longer than"):
        encode(Mark(Owner("c" * 5000, ""), ObjectKey("", ""), "", ""))
