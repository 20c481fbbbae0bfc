"""The laws of Dubbo's URL: what is built is read back as it was; what would not be is refused."""

from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dubbo_registrar.dubbo.encoding import MalformedUrlError, encode
from dubbo_registrar.dubbo.url import Url
from tests.urls import KEYS, URLS


def build(
    parameters: Mapping[str, str], *, protocol: str = "dubbo", host: str = "10.0.0.1", port: int = 1, path: str = "a.B"
) -> Url:
    """Build a URL that is right but for what the test says."""
    return Url.build(protocol=protocol, host=host, port=port, path=path, parameters=parameters)


@given(URLS)
def test_parse_undoes_text(url: Url) -> None:
    """Every URL that can be built is read back from its text."""
    assert Url.parse(str(url)) == url


@given(URLS)
def test_from_node_name_undoes_node_name(url: Url) -> None:
    """Every URL that can be built is read back from the name of its node."""
    assert Url.from_node_name(url.node_name) == url


@given(URLS)
def test_text_is_the_same_for_every_order_of_parameters(url: Url) -> None:
    """The order in which parameters came does not show: the text is the node's identity."""
    backwards = dict(sorted(url.parameters.items(), reverse=True))
    assert str(Url(url.protocol, url.host, url.port, url.path, backwards)) == str(url)


@given(URLS)
def test_parameters_are_sorted(url: Url) -> None:
    """Parameters stand in the order of their keys, as Dubbo's TreeMap puts them."""
    _, _, query = str(url).partition("?")
    keys = [part.partition("=")[0] for part in query.split("&") if part]
    assert keys == sorted(url.parameters)


@given(URLS, URLS)
def test_equal_urls_and_equal_names(one: Url, other: Url) -> None:
    """Two URLs are the same exactly when their nodes have the same name."""
    assert (one == other) == (one.node_name == other.node_name)
    assert hash(one) == hash(Url.parse(str(one)))


@given(KEYS, st.text("ab&;=%+# ?/é26", min_size=1))
@example("a", "1&category=routers")
@example("a", "1;router=script")
@example("a", "1%26b=2")
def test_text_from_users_stays_in_its_parameter(key: str, value: str) -> None:
    """A value either is refused or comes back as this value and nothing else, for all separators of all generations."""
    try:
        built = build({key: value})
    except ValueError:
        return
    assert not set(str(built).partition("?")[2].replace("=", "", 1)) & set("&;=%+# ")
    assert Url.from_node_name(built.node_name).parameters == {key: value}


def test_text_of_an_ipv6_provider() -> None:
    """An IPv6 host stands in brackets in the text, and without them in the value."""
    url = build({"side": "provider"}, host="2001:db8::1")
    assert str(url) == "dubbo://[2001:db8::1]:1/a.B?side=provider"
    assert Url.parse(str(url)).host == "2001:db8::1"


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("protocol", ""),
        ("protocol", "Dubbo"),
        ("protocol", "a:b"),
        ("host", ""),
        ("host", "[::1]"),
        ("host", "fe80::1%eth0"),
        ("host", "user@host"),
        ("host", "10.0.0.1:80"),
        ("host", "host\n"),
        ("path", ""),
        ("path", "/a.B"),
        ("path", "a.B?x=1"),
        ("path", "a#b"),
        ("path", "a b"),
    ],
)
def test_build_refuses_a_part(part: str, value: str) -> None:
    """A part that some consumer would misread is refused, by name."""
    parts = {"protocol": "dubbo", "host": "10.0.0.1", "path": "a.B"} | {part: value}
    with pytest.raises(ValueError, match=part):
        build({}, protocol=parts["protocol"], host=parts["host"], path=parts["path"])


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_build_refuses_a_port(port: int) -> None:
    """A port that no pod can listen on is refused: one above 65535 ends a dubbo2.js process."""
    with pytest.raises(ValueError, match=f"port {port}"):
        build({}, port=port)


@pytest.mark.parametrize("key", ["", "a b", "a=b", "a&b", "a;b", "a%b", "a+b", "a#b", "é", ".hidden", "a\n"])
def test_build_refuses_a_key(key: str) -> None:
    """A key that does not come back as it is is refused."""
    with pytest.raises(ValueError, match="parameter"):
        build({key: "1"})


@pytest.mark.parametrize("key", ["pid", "rapid", "pod.timestamp", "mytimestamp"])
def test_build_refuses_a_key_that_dubbo_3_cuts(key: str) -> None:
    """Dubbo 3 cuts at every key that ends in pid or timestamp; only the timestamp itself may be cut."""
    with pytest.raises(ValueError, match="cuts"):
        build({key: "1"})
    assert build({"timestamp": "1"}).parameters == {"timestamp": "1"}


def test_build_refuses_a_key_with_an_alias() -> None:
    """`default.x` is read as `x` too by Dubbo 2.7 and 3."""
    with pytest.raises(ValueError, match=r"default\."):
        build({"default.timeout": "1"})


@pytest.mark.parametrize("value", ["", "a b", "a&b", "a;b", "a=b", "a%20b", "a+b", "a#b", "a?b", "中", "a\tb", "a\x00"])
def test_build_refuses_a_value(value: str) -> None:
    """A value that some consumer splits, decodes twice or takes for absent is refused; the text names its parameter."""
    with pytest.raises(ValueError, match="owner"):
        build({"owner": value})


def test_parse_of_what_dubbo_2_6_registers() -> None:
    """The URL of a real provider of Dubbo 2.6, with keys that we would not write."""
    url = Url.parse(
        "dubbo://192.168.0.105:20880/com.x.EchoService?anyhost=true&application=echo-provider&dubbo=2.0.2"
        "&generic=false&interface=com.x.EchoService&methods=echo1,echo&pid=15700&side=provider&timestamp=1572966656788"
    )
    assert (url.protocol, url.host, url.port, url.path) == ("dubbo", "192.168.0.105", 20880, "com.x.EchoService")
    assert url.parameters["pid"] == "15700"
    assert url.parameters["methods"] == "echo1,echo"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dubbo://u:p@h:1/x", Url("dubbo", "h", 1, "x", {})),
        ("dubbo://h/x?a=1", Url("dubbo", "h", 0, "x", {"a": "1"})),
        ("dubbo://h:1", Url("dubbo", "h", 1, "", {})),
        ("dubbo://h:1?a=1", Url("dubbo", "h", 1, "", {"a": "1"})),
        ("dubbo://h:1//x/y", Url("dubbo", "h", 1, "x/y", {})),
        ("dubbo://h:1/x#y?a=1", Url("dubbo", "h", 1, "x", {"a": "1"})),
        ("dubbo://h:1/x?a=1;b=2&&c=", Url("dubbo", "h", 1, "x", {"a": "1", "b": "2", "c": ""})),
        ("dubbo://h:1/x?a=b=c&d==e&a=2", Url("dubbo", "h", 1, "x", {"a": "2", "d": "=e"})),
        ("dubbo://h:1/x?a=://@/:", Url("dubbo", "h", 1, "x", {"a": "://@/:"})),
        ("dubbo://h:1/x?=1&b=2", Url("dubbo", "h", 1, "x", {"b": "2"})),
    ],
)
def test_parse_of_what_others_write(text: str, expected: Url) -> None:
    """Text that we would not write is read as Java 2.7 and 3 read it."""
    assert Url.parse(text) == expected
    assert Url.from_node_name(encode(text)) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no protocol"),
        ("hello", "no protocol"),
        ("://h:1/x", "no protocol"),
        ("dubbo:///x", "no host"),
        ("dubbo://:80/x", "no host"),
        ("dubbo://h:http/x", "port 'http'"),
        ("dubbo://h:/x", "port ''"),
        ("dubbo://h:-1/x", "port '-1'"),
        ("dubbo://h:65536/x", "port '65536'"),
        ("dubbo://h:٣/x", "port '٣'"),
        ("dubbo://[2001:db8::1]/x", "port '1]'"),
    ],
)
def test_parse_refuses(text: str, reason: str) -> None:
    """Text that is no address is refused, and the reason says why."""
    with pytest.raises(MalformedUrlError) as refusal:
        Url.parse(text)
    assert reason in str(refusal.value)


@given(st.text())
@example("a://[")
def test_parse_reads_or_refuses(text: str) -> None:
    """Whatever stands in ZooKeeper is read or refused, never anything else."""
    for candidate in (text, f"dubbo://{text}", f"dubbo://h:1/{text}"):
        try:
            Url.from_node_name(candidate)
        except MalformedUrlError:
            continue
