"""Our URL codec against the `URL` classes of Dubbo for Java: thousands of URLs in one JVM for each generation."""

from collections.abc import Iterator
from typing import TypeVar, get_args

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from dubbo_registrar.dubbo.encoding import MalformedUrlError, encode
from dubbo_registrar.dubbo.service_key import ServiceKey
from dubbo_registrar.dubbo.url import Url
from testbed.dubbo import JavaUrl, ReadUrl, prepare
from testbed.dubbo.build import Generation
from tests.urls import URLS

T = TypeVar("T")

GENERATIONS = get_args(Generation)
LATER = [generation for generation in GENERATIONS if generation != "2.6"]
"""Those that `Url.parse` reads like: they know IPv6 and a second separator, `;`."""

WIDE = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="&;"), min_size=1, max_size=10)
FOREIGN = st.builds(
    "{0}://{1}{2}{3}{4}?{5}".format,
    st.sampled_from(["dubbo", "tri", "override"]),
    st.sampled_from(["", "user:secret@", "a@b:c@"]),
    st.sampled_from(["10.0.0.1", "shop.example", "[2001:db8::1]", "[::ffff:10.0.0.1]", "2001:db8::1"]),
    st.sampled_from([":20880", ":1", ":0", ":65535"]),
    st.sampled_from(["", "/", "/a.B", "//a.B", "/ctx/a.B", "/a.B#part", "/a%20b", "/a+b"]),
    st.lists(
        st.builds("{0}={1}{2}".format, st.text("abcdef.$-", min_size=1, max_size=6), WIDE, st.sampled_from("&;")),
        max_size=5,
    ).map(lambda parts: "".join(parts) + "side=provider"),
).filter(lambda text: "default." not in text)
"""Text that we would not write but others might: user-info, both separators, any character in values."""

BROKEN = [
    "dubbo%3A%2F%2F10.0.0.1%3Ahttp%2Fa.B",
    "dubbo%3A%2F%2F10.0.0.1%3A%2Fa.B%3Fside%3Dprovider",
    "dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Fdiscount%3D100%",
    "dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Fdiscount%3D100%2",
    "dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Fdiscount%3D%ZZ",
    "%3A%2F%2F10.0.0.1%3A20880%2Fa.B",
    "dubbo%3A%2F%2F[2001%3Adb8%3A%3A1]%2Fa.B",
]


def sample(strategy: SearchStrategy[T], count: int) -> list[T]:
    """Return different values of a strategy, the same in every run."""
    values: dict[str, T] = {}

    @settings(max_examples=count, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def take(value: T) -> None:
        values[str(value)] = value

    take()
    return list(values.values())


@pytest.fixture(scope="module")
def urls() -> list[Url]:
    """URLs of every kind that can be built."""
    return sample(URLS, 3500)


@pytest.fixture(scope="module")
def java(request: pytest.FixtureRequest) -> Iterator[JavaUrl]:
    """One JVM with the URL class of one generation of Dubbo."""
    prepare()
    with JavaUrl(request.param) as running:
        yield running


def in_java(url: Url) -> ReadUrl:
    """Return what Java should make of a URL. The brackets of an IPv6 host are part of the host there."""
    return ReadUrl(
        protocol=url.protocol,
        host=f"[{url.host}]" if ":" in url.host else url.host,
        port=url.port,
        path=url.path,
        parameters=dict(url.parameters),
        service_key=str(
            ServiceKey(
                url.parameters.get("interface", url.path),
                group=url.parameters.get("group"),
                version=url.parameters.get("version"),
            )
        ),
        full=str(url),
        encoded=url.node_name,
    )


def is_ipv6(url: Url) -> bool:
    """Tell whether the host is an IPv6 address."""
    return ":" in url.host


@pytest.mark.parametrize("java", GENERATIONS, indirect=True)
def test_java_reads_what_we_write(java: JavaUrl, urls: list[Url]) -> None:
    """Java reads our text and our node names part by part as we meant them, and would write the same."""
    wanted = [url for url in urls if not is_ipv6(url)]
    assert len(wanted) > 2000
    texts = java.read([str(url) for url in wanted])
    nodes = java.read([url.node_name for url in wanted], form="node")
    for url, text, node in zip(wanted, texts, nodes, strict=True):
        assert text == node == in_java(url)


@pytest.mark.parametrize("java", LATER, indirect=True)
def test_java_reads_our_ipv6_providers(java: JavaUrl, urls: list[Url]) -> None:
    """Java from 2.7 on reads our node names of IPv6 providers too."""
    wanted = [url for url in urls if is_ipv6(url)]
    nodes = java.read([url.node_name for url in wanted], form="node")
    assert nodes == [in_java(url) for url in wanted]


@pytest.mark.parametrize("java", ["2.6"], indirect=True)
def test_java_2_6_chokes_on_ipv6_providers(java: JavaUrl, urls: list[Url]) -> None:
    """Java 2.6 cannot read any IPv6 provider: this is why they are not written where 2.6 has to read."""
    nodes = java.read([url.node_name for url in urls if is_ipv6(url)], form="node")
    assert {(node.error or "read").partition(":")[0] for node in nodes} == {"NumberFormatException"}


@pytest.mark.parametrize("java", LATER, indirect=True)
def test_we_read_what_java_reads(java: JavaUrl) -> None:
    """What others wrote, we read from the node's name as Java does, and encode as Java would."""
    texts = sample(FOREIGN, 500)
    for text, answer in zip(texts, java.read(map(encode, texts), form="node"), strict=True):
        assert answer.error is None, text
        url = Url.from_node_name(encode(text))
        host = (answer.host or "").strip("[]")
        assert (answer.protocol, host, answer.port) == (url.protocol, url.host, url.port), text
        assert (answer.path or "", answer.parameters) == (url.path, url.parameters), text
        assert answer.encoded == encode(answer.full)


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("java", LATER, indirect=True)
def test_we_refuse_what_java_refuses(java: JavaUrl, name: str) -> None:
    """A node name that throws in Java is malformed for us."""
    (answer,) = java.read([name], form="node")
    assert answer.error
    with pytest.raises(MalformedUrlError):
        Url.from_node_name(name)
