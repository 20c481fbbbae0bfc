"""Which parameters users may put into a provider URL, and with which values. Pure: no I/O, no third party.

A provider URL is configuration that consumers obey: they take from it whatever they have not set themselves, class
names and routing rules included (CVE-2021-30181 and its kin). So this is a list of what is allowed; all else is
refused, by name. A value is allowed if every consumer knows it: at a `loadbalance` that it does not have, Java's
`ExtensionLoader` fails each call, and dubbo-go panics (`extension.GetLoadbalance`).

The fields that have a place of their own in the RegistryService (`weight`, `group`, ...) are not here.
The same rules stand as CEL in `crds/registryservices.dubbo-registrar.io.yaml`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_VALUE = re.compile(r"[A-Za-z0-9._:/,*$@!~()-]{1,256}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_EXCERPT = 60


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal integer without sign or leading zeros, within bounds that are part of it."""

    low: int
    high: int
    unit: str = ""

    def allows(self, value: str) -> bool:
        """Tell whether the value is such a number."""
        return _NUMBER.fullmatch(value) is not None and self.low <= int(value) <= self.high

    def __str__(self) -> str:
        """Say what is expected."""
        return f"a number{self.unit} from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def allows(self, value: str) -> bool:
        """Tell whether the value is one of the words."""
        return value in self.words

    def __str__(self) -> str:
        """Say what is expected."""
        return self.words[0] if len(self.words) == 1 else f"one of {' '.join(self.words)}"


@dataclass(frozen=True, slots=True)
class Text:
    """Any text of the characters that no known parser of provider URLs takes for a separator."""

    def allows(self, value: str) -> bool:
        """Tell whether the value is such a text."""
        return _VALUE.fullmatch(value) is not None

    def __str__(self) -> str:
        """Say what is expected."""
        return "1 to 256 of the characters A-Z a-z 0-9 . _ : / , * $ @ ! ~ ( ) -"


Rule = Number | Choice | Text

_TIMEOUT = Number(1, 3_600_000, unit=" of milliseconds")
_RETRIES = Number(0, 100)
_CALLS = Number(0, 1_000_000)
# Java from 2.6 on and dubbo-go have these; the names of the others differ between them.
_LOAD_BALANCE = Choice(("random", "roundrobin", "leastactive"))
_CLUSTER = Choice(("failover", "failfast", "failsafe", "failback", "forking", "available", "broadcast"))
_BOOLEAN = Choice(("true", "false"))
# The serializations without a history of remote code execution. `serialization` must be known to every consumer;
# `prefer.serialization` is read by Java 3.2 and newer, which take the first entry that they have.
_SERIALIZATION = Choice(("hessian2",))
_PREFERRED_SERIALIZATION = Choice(("hessian2", "fastjson2", "hessian2,fastjson2", "fastjson2,hessian2"))

METHOD_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "timeout": _TIMEOUT,
        "retries": _RETRIES,
        "loadbalance": _LOAD_BALANCE,
        "actives": _CALLS,
        "executes": _CALLS,
    }
)
"""What may be set for one method, as `<method>.<key>`."""

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        **METHOD_RULES,
        "cluster": _CLUSTER,
        "connections": Number(0, 1000),
        "deprecated": _BOOLEAN,
        "serialization": _SERIALIZATION,
        "prefer.serialization": _PREFERRED_SERIALIZATION,
        **dict.fromkeys(
            ("owner", "organization", "environment", "module", "layer", "document", "release"),
            Text(),
        ),
    }
)
"""What may be set for an interface."""

_OWN_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "application": "spec.application",
        "weight": "spec.weight",
        "warmup": "spec.warmup",
        "tag": "spec.tag",
        "dubbo.tag": "spec.tag",
        "interface": "name of the interface",
        "group": "group of the interface",
        "version": "version of the interface",
        "methods": "methods of the interface",
        "path": "path of the interface",
        "protocol": "spec.protocols",
        "port": "spec.protocols",
    }
)


def refusal(key: str, value: str, *, methods: Collection[str] = ()) -> str | None:
    """Say in one line why a parameter is refused, or return None when it is allowed.

    `methods` are the methods that the interface declares: only they may have parameters of their own.
    """
    if (rule := RULES.get(key)) is None:
        method, dot, own_key = key.rpartition(".")
        if not dot or (rule := METHOD_RULES.get(own_key)) is None:
            return _unknown(key)
        if method not in methods:
            return f"{_excerpt(method)} is not in the methods of the interface"
    return None if rule.allows(value) else f"{_excerpt(value)} is not {rule}"


def _unknown(key: str) -> str:
    if (place := _OWN_FIELDS.get(key)) is not None:
        return f"not a free parameter, it has a field: {place}"
    return f"not an allowed parameter; allowed are {' '.join(sorted(RULES))}"


def _excerpt(text: str) -> str:
    shown = text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."
    return ascii(shown)
