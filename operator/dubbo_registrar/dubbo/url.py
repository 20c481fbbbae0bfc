"""Dubbo's URL: the value, its text, and the name of the node that carries it. Pure.

`Url.build` makes URLs to write and refuses what any known consumer would misread; `Url.parse` reads what others wrote,
as Java does. Which parameters a provider carries is `provider.py`; which ones users may set is `parameters.py`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self

from dubbo_registrar.dubbo.encoding import MalformedUrlError, decode, encode

MAX_PORT = 65535

_PROTOCOL = re.compile(r"[a-z][a-z0-9.-]*")
_HOST = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f]*(?::[0-9A-Fa-f.]*){2,8}")
_PORT = re.compile(r"[0-9]{1,5}")
_PATH = re.compile(r"[A-Za-z0-9._$-][A-Za-z0-9._$/-]*")
_KEY = re.compile(r"[A-Za-z0-9_$][A-Za-z0-9._$-]*")
_VALUE = re.compile(r"[A-Za-z0-9._:/,*$@!~()-]+")
# Java 2.7 and 3 take `;` for a second separator; 2.6 does not.
_SEPARATOR = re.compile("[&;]")


@dataclass(frozen=True, slots=True)
class Url:
    """A URL as Dubbo's registries carry it: `protocol://host:port/path?key=value&...`.

    The constructor takes anything that can be read; use `build` for a URL that is to be written.
    """

    protocol: str
    host: str
    """An IPv4 address, a host name, or an IPv6 address without brackets."""
    port: int
    """0 when the URL names none."""
    path: str
    """Without its leading slash; empty when the URL has none."""
    parameters: Mapping[str, str] = field(hash=False)

    @classmethod
    def build(cls, *, protocol: str, host: str, port: int, path: str, parameters: Mapping[str, str]) -> Self:
        """Make a URL that every known consumer reads back as it is.

        Raises:
            ValueError: A part that some consumer would misread; the text names the part and says why.
        """
        if not _PROTOCOL.fullmatch(protocol):
            raise ValueError(f"protocol {protocol!r}: not a lower-case name")
        if not _HOST.fullmatch(host):
            raise ValueError(f"host {host!r}: neither an IP address nor a host name")
        if not _PATH.fullmatch(path):
            raise ValueError(f"path {path!r}: not letters, digits and . _ $ - with / in between")
        if not 1 <= port <= MAX_PORT:
            raise ValueError(f"port {port}: not between 1 and {MAX_PORT}")
        for key, value in parameters.items():
            _check_parameter(key, value)
        return cls(protocol, host, port, path, dict(parameters))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URL as Java 2.7 and 3 do, passing over user-info and a `#fragment`; `default.` keys get no alias.

        Raises:
            MalformedUrlError: No protocol, no host, or a port that is not a number from 0 to 65535.
        """
        body, _, query = text.partition("?")
        protocol, separator, rest = body.partition("#")[0].partition("://")
        if not protocol or not separator:
            raise MalformedUrlError(f"no protocol in {text!r}")
        authority, _, path = rest.partition("/")
        host, colon, digits = authority.rpartition("@")[2].rpartition(":")
        if not colon:
            host, digits = digits, "0"
        if not host:
            raise MalformedUrlError(f"no host in {text!r}")
        if not _PORT.fullmatch(digits) or int(digits) > MAX_PORT:
            raise MalformedUrlError(f"port {digits!r} in {text!r}: not a number up to {MAX_PORT}")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        return cls(protocol, host, int(digits), path.lstrip("/"), dict(_parameters(query)))

    @classmethod
    def from_node_name(cls, name: str) -> Self:
        """Read the name of a node.

        Raises:
            MalformedUrlError: A broken escape, or what `parse` raises.
        """
        return cls.parse(decode(name))

    @property
    def node_name(self) -> str:
        """The name of the node that carries it: its text, encoded once."""
        return encode(str(self))

    def __str__(self) -> str:
        """Return Dubbo's full string: parameters sorted by key, values as they are (`URL.toFullString`)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        path = f"/{self.path}" if self.path else ""
        query = "&".join([f"{key}={value}" for key, value in sorted(self.parameters.items())])
        return f"{self.protocol}://{host}{port}{path}{'?' if query else ''}{query}"


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    for part in _SEPARATOR.split(query):
        key, _, value = part.partition("=")
        if key:
            yield key, value


# The same parameters come with every pod of a service: the cache makes a URL in half the time.
@lru_cache(maxsize=4096)
def _check_parameter(key: str, value: str) -> None:
    """Refuse a parameter that some consumer would misread: Java, dubbo-go and dubbo2.js decode and split differently.

    Raises:
        ValueError: The text names the parameter and says why.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(f"parameter {key!r}: not letters, digits and . _ $ -, the first no . or -")
    if key.endswith(("pid", "timestamp")) and key != "timestamp":
        raise ValueError(f"parameter {key!r}: Dubbo 3 cuts a URL wherever a key ends in `pid` or `timestamp`")
    if key.startswith("default."):
        raise ValueError(f"parameter {key!r}: Dubbo 2.7 and 3 also read it without `default.`")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"parameter {key!r}: value {value!r} is not letters, digits and . _ : / , * $ @ ! ~ ( ) -")
