"""RegistryServices that must be refused, with the reason that must be given, and some that must not be.

Malformed: what a team writes by mistake. Hostile: what would reach consumers as a routing rule, a class name or a parse
error if it were let through (`&`, `;`, escapes, wildcards, SPI keys), and what would use up the operator or ZooKeeper.
"""

from typing import Final

from tests.hostile.objects import ABSENT, Bad, Gate, Good, Object, changed

SPEC: Final[Object] = {
    "selector": {"matchLabels": {"app": "cart"}},
    "protocols": [{"name": "dubbo", "port": 20880}],
    "interfaces": [{"name": "demo.CartService", "group": "eu", "version": "1.0.0", "methods": ["add", "remove"]}],
}
"""A good spec: all others are changes to it."""

_CART: Final[Object] = SPEC["interfaces"][0]
_FIRST: Final = "spec.interfaces[0]"


def _bad(name: str, blames: str, changes: dict[str, object]) -> Bad:
    return Bad(name, changed(SPEC, changes), blames)


def _parameter(name: str, key: str, value: object) -> Bad:
    """Return one that is refused for a parameter of the service."""
    part = f".{key}" if key.isalnum() else f"[{key!a}]"
    return _bad(name, f"spec.parameters{part}", {"parameters": {key: value}})


MALFORMED: Final = (
    Bad("no-spec", None, "spec"),
    Bad("spec-is-a-list", [], "spec"),
    Bad("spec-is-empty", {}, "spec.selector"),
    _bad("no-selector", "spec.selector", {"selector": ABSENT}),
    _bad("empty-selector", "spec.selector", {"selector": {}}),
    _bad("empty-labels", "spec.selector", {"selector": {"matchLabels": {}, "matchExpressions": []}}),
    _bad("label-is-a-number", "spec.selector.matchLabels.app", {"selector/matchLabels/app": 1}),
    _bad("label-value-with-a-space", "spec.selector.matchLabels.app", {"selector/matchLabels/app": "a b"}),
    _bad("label-key-with-a-space", "spec.selector.matchLabels['a b']", {"selector/matchLabels/a b": "c"}),
    _bad(
        "in-without-values",
        "spec.selector.matchExpressions[0].values",
        {"selector/matchExpressions": [{"key": "tier", "operator": "In"}]},
    ),
    _bad(
        "exists-with-values",
        "spec.selector.matchExpressions[0].values",
        {"selector/matchExpressions": [{"key": "tier", "operator": "Exists", "values": ["a"]}]},
    ),
    _bad(
        "unknown-operator",
        "spec.selector.matchExpressions[0].operator",
        {"selector/matchExpressions": [{"key": "tier", "operator": "Like", "values": ["a"]}]},
    ),
    _bad("no-protocols", "spec.protocols", {"protocols": ABSENT}),
    _bad("empty-protocols", "spec.protocols", {"protocols": []}),
    _bad("no-port", "spec.protocols[0].port", {"protocols/0/port": ABSENT}),
    _bad("port-zero", "spec.protocols[0].port", {"protocols/0/port": 0}),
    _bad("port-too-large", "spec.protocols[0].port", {"protocols/0/port": 65536}),
    _bad("port-in-quotes", "spec.protocols[0].port", {"protocols/0/port": "20880"}),
    _bad("port-with-a-fraction", "spec.protocols[0].port", {"protocols/0/port": 1.5}),
    _bad("port-is-true", "spec.protocols[0].port", {"protocols/0/port": True}),
    _bad("port-name-too-long", "spec.protocols[0].port", {"protocols/0/port": "a-name-of-a-port"}),
    _bad("protocol-twice", "spec.protocols", {"protocols/1": {"name": "dubbo", "port": 20881}}),
    _bad("no-interfaces", "spec.interfaces", {"interfaces": []}),
    _bad("no-interface-name", f"{_FIRST}.name", {"interfaces/0/name": ABSENT}),
    _bad("interface-without-package", f"{_FIRST}.name", {"interfaces/0/name": "CartService"}),
    _bad("interface-ends-in-a-dot", f"{_FIRST}.name", {"interfaces/0/name": "demo."}),
    _bad("interface-twice", "spec.interfaces[1]", {"interfaces/1": _CART}),
    _bad("version-is-a-number", f"{_FIRST}.version", {"interfaces/0/version": 1}),
    _bad("version-is-empty", f"{_FIRST}.version", {"interfaces/0/version": ""}),
    _bad("version-that-means-none", f"{_FIRST}.version", {"interfaces/0/version": "0.0.0"}),
    _bad("method-twice", f"{_FIRST}.methods", {"interfaces/0/methods": ["add", "add"]}),
    _bad("method-with-parameters", f"{_FIRST}.methods[0]", {"interfaces/0/methods": ["add(String)"]}),
    _bad("protocol-not-served", f"{_FIRST}.protocols[0]", {"interfaces/0/protocols": ["tri"]}),
    _bad("empty-protocols-of-an-interface", f"{_FIRST}.protocols", {"interfaces/0/protocols": []}),
    _bad("path-with-a-slash-in-front", f"{_FIRST}.path", {"interfaces/0/path": "/shop/demo.CartService"}),
    _bad("weight-in-quotes", "spec.weight", {"weight": "100"}),
    _bad("weight-below-zero", "spec.weight", {"weight": -1}),
    _bad("weight-too-large", "spec.weight", {"weight": 10_001}),
    _bad("warmup-too-long", "spec.warmup", {"warmup": 86_400_001}),
    _bad("suspend-in-quotes", "spec.suspend", {"suspend": "true"}),
    _bad("unknown-address-family", "spec.address.family", {"address": {"family": "IPv5"}}),
    _bad("registry-in-upper-case", "spec.registryRef.name", {"registryRef": {"name": "Default"}}),
    _bad("application-with-a-space", "spec.application", {"application": "shop cart"}),
    _parameter("parameter-is-a-number", "timeout", 3000),
    _parameter("timeout-with-a-unit", "timeout", "3s"),
    _parameter("timeout-zero", "timeout", "0"),
    _parameter("timeout-with-a-leading-zero", "timeout", "03000"),
    _parameter("too-many-retries", "retries", "101"),
    _parameter("deprecated-yes", "deprecated", "yes"),
    _parameter("weight-as-a-parameter", "weight", "100"),
    _parameter("tag-as-a-parameter", "dubbo.tag", "canary"),
    _parameter("group-as-a-parameter", "group", "eu"),
    _parameter("parameter-of-a-method-of-no-interface", "add.timeout", "100"),
    _bad(
        "parameter-of-an-unknown-method",
        f"{_FIRST}.parameters['clear.timeout']",
        {"interfaces/0/parameters": {"clear.timeout": "100"}},
    ),
    _bad(
        "unknown-parameter-of-a-method",
        f"{_FIRST}.parameters['add.cluster']",
        {"interfaces/0/parameters": {"add.cluster": "failfast"}},
    ),
)

HOSTILE: Final = (
    _bad("protocol-is-a-routing-rule", "spec.protocols[0].name", {"protocols/0/name": "route"}),
    _bad("protocol-is-an-override", "spec.protocols[0].name", {"protocols/0/name": "override"}),
    _bad("protocol-is-a-script", "spec.protocols[0].name", {"protocols/0/name": "script"}),
    _bad("protocol-empties-the-list", "spec.protocols[0].name", {"protocols/0/name": "empty"}),
    _bad("port-is-a-url", "spec.protocols[0].port", {"protocols/0/port": "1/x?a=b"}),
    _bad("interface-is-a-wildcard", f"{_FIRST}.name", {"interfaces/0/name": "*"}),
    _bad("interface-leaves-its-directory", f"{_FIRST}.name", {"interfaces/0/name": "demo/../../zookeeper"}),
    _bad("interface-is-the-config-directory", f"{_FIRST}.name", {"interfaces/0/name": "config"}),
    _bad("interface-with-a-query", f"{_FIRST}.name", {"interfaces/0/name": "demo.Cart?category=routers"}),
    _bad("interface-with-an-escape", f"{_FIRST}.name", {"interfaces/0/name": "demo.Cart%2Fproviders"}),
    _bad("interface-with-a-line-break", f"{_FIRST}.name", {"interfaces/0/name": "demo.Cart\n"}),
    _bad("interface-of-look-alikes", f"{_FIRST}.name", {"interfaces/0/name": "demo.C\u0430rtService"}),
    _bad("interface-without-end", f"{_FIRST}.name", {"interfaces/0/name": "a." + "b" * 300}),
    _bad("group-is-a-wildcard", f"{_FIRST}.group", {"interfaces/0/group": "*"}),
    _bad("group-is-a-list", f"{_FIRST}.group", {"interfaces/0/group": "eu,us"}),
    _bad("group-with-a-parameter", f"{_FIRST}.group", {"interfaces/0/group": "eu&category=routers"}),
    _bad("version-is-a-wildcard", f"{_FIRST}.version", {"interfaces/0/version": "*"}),
    _bad("version-with-a-parameter", f"{_FIRST}.version", {"interfaces/0/version": "1;router=script"}),
    _bad("method-with-a-parameter", f"{_FIRST}.methods[0]", {"interfaces/0/methods": ["a&router=script"]}),
    _bad("method-that-sets-all", f"{_FIRST}.methods[0]", {"interfaces/0/methods": ["default"]}),
    _bad("path-leaves-its-place", f"{_FIRST}.path", {"interfaces/0/path": "a/../b"}),
    _bad("path-with-a-query", f"{_FIRST}.path", {"interfaces/0/path": "a?router=script"}),
    _bad("application-with-a-parameter", "spec.application", {"application": "a&category=routers"}),
    _bad("application-clears-the-terminal", "spec.application", {"application": "a\x1b[2J"}),
    _bad("tag-with-a-parameter", "spec.tag", {"tag": "a&b=c"}),
    _parameter("value-with-a-parameter", "owner", "me&category=routers&router=script"),
    _parameter("value-with-a-semicolon", "owner", "me;router=script"),
    _parameter("value-with-an-escape", "owner", "me%26router%3Dscript"),
    _parameter("value-with-a-plus", "owner", "a+b"),
    _parameter("value-with-a-line-break", "owner", "a\nb"),
    _parameter("value-beyond-ascii", "owner", "\u5f20\u4e09"),
    _parameter("value-without-end", "owner", "a" * 257),
    _parameter("key-with-a-parameter", "owner=a&router", "script"),
    _parameter("key-in-another-case", "Timeout", "1"),
    _parameter("key-with-a-line-break", "owner\n", "a"),
    _parameter("key-is-empty", "", "a"),
    _parameter("key-for-all-methods", "default.timeout", "1"),
    _parameter("routing-rule", "router", "script"),
    _parameter("category", "category", "routers"),
    _parameter("rule-text", "rule", "=%3E"),
    _parameter("class-to-load", "optimizer", "com.evil.Optimizer"),
    _parameter("proxy-interfaces", "interfaces", "com.evil.Extra"),
    _parameter("stub-class", "stub", "com.evil.Stub"),
    _parameter("mock-text", "mock", "return null"),
    _parameter("filters", "reference.filter", "evil"),
    _parameter("generic-calls", "generic", "nativejava"),
    _parameter("protocol-switch", "ext.protocol", "rmi"),
    _parameter("java-serialization", "serialization", "nativejava"),
    _parameter("preferred-java-serialization", "prefer.serialization", "hessian2,java"),
    _parameter("key-that-dubbo-3-cuts", "rapid", "1"),
    _parameter("switched-off", "enabled", "false"),
    _parameter("credentials", "password", "secret"),
    _parameter("load-balance-that-makes-dubbo-go-panic", "loadbalance", "consistenthash"),
    _parameter("cluster-that-dubbo-go-lacks", "cluster", "mergeable"),
    _bad("too-many-interfaces", "spec.interfaces", {"interfaces": [{"name": f"a.B{n}"} for n in range(65)]}),
    _bad("too-many-methods", f"{_FIRST}.methods", {"interfaces/0/methods": [f"m{n}" for n in range(129)]}),
    _bad("too-many-parameters", "spec.parameters", {"parameters": {f"p{n}": "1" for n in range(33)}}),
    _bad(
        "too-many-methods-in-all",
        "spec.interfaces",
        {
            "interfaces": [
                {"name": f"a.B{n}", "methods": [f"{'m' * 120}{method}" for method in range(128)]} for n in range(3)
            ]
        },
    ),
    _bad(
        "too-many-parameters-in-all",
        "spec.interfaces",
        {
            "interfaces": [
                {
                    "name": f"a.B{n}",
                    "methods": [f"m{method}" for method in range(30)],
                    "parameters": {f"m{method}.timeout": "1" for method in range(30)},
                }
                for n in range(5)
            ]
        },
    ),
)

ONLY_IN_STATUS: Final = (
    Bad(
        "registry-that-is-not-there",
        changed(SPEC, {"registryRef": {"name": "nowhere"}}),
        "RegistryNotFound",
        Gate.STATUS,
    ),
    Bad(
        "port-name-that-no-container-has",
        changed(SPEC, {"protocols/0/port": "no-such-port", "interfaces/0/group": "other"}),
        "PortNotFound",
        Gate.STATUS,
    ),
    Bad(
        "pods-that-are-not-there",
        changed(SPEC, {"selector/matchLabels/app": "nowhere", "interfaces/0/group": "other"}),
        "NoMatchingPods",
        Gate.STATUS,
    ),
    Bad("what-an-older-service-has", SPEC, "Conflict", Gate.STATUS),
)
"""Written for a cluster where a service with `SPEC` is the oldest and pods with `app: cart` are ready."""

BAD: Final = (*MALFORMED, *HOSTILE)
"""All that the API server refuses."""

UNKNOWN_FIELD: Final = changed(SPEC, {"weights": 5})
"""The API server drops such a field, or refuses it when asked for strict validation, as kubectl does."""


def _good(name: str, changes: dict[str, object]) -> Good:
    return Good(name, changed(SPEC, changes))


_ALL_PARAMETERS: Final = {
    "timeout": "3600000",
    "retries": "100",
    "connections": "1000",
    "actives": "1000000",
    "executes": "0",
    "loadbalance": "leastactive",
    "cluster": "failfast",
    "deprecated": "true",
    "serialization": "hessian2",
    "prefer.serialization": "fastjson2,hessian2",
    "owner": "team-shop,a.b@acme",
    "organization": "acme",
    "environment": "test",
    "module": "cart",
    "layer": "biz",
    "document": "https://wiki.acme/cart/~x/(y)!",
    "release": "2.7.23",
}

GOOD: Final = (
    _good("smallest", {"interfaces": [{"name": "a.B"}]}),
    _good("as-is", {}),
    _good("with-registry", {"registryRef": {"name": "eu-1.staging"}}),
    _good("with-empty-registry-reference", {"registryRef": {}}),
    _good("application", {"application": "Shop_Cart.v2-x"}),
    _good("suspended", {"suspend": True}),
    _good("not-suspended", {"suspend": False}),
    _good("label-with-prefix", {"selector/matchLabels": {"app.kubernetes.io/name": "cart"}}),
    _good("label-with-empty-value", {"selector/matchLabels": {"cart": ""}}),
    _good("several-labels", {"selector/matchLabels": {f"l{n}": "x" for n in range(16)}}),
    _good("exists", {"selector": {"matchExpressions": [{"key": "cart", "operator": "Exists"}]}}),
    _good("does-not-exist", {"selector/matchExpressions": [{"key": "a", "operator": "DoesNotExist", "values": []}]}),
    _good("in", {"selector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b", ""]}]}}),
    _good("not-in", {"selector/matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}),
    _good("lowest-port", {"protocols/0/port": 1}),
    _good("highest-port", {"protocols/0/port": 65535}),
    _good("named-port", {"protocols/0/port": "dubbo"}),
    _good("port-name-with-digits-first", {"protocols/0/port": "1-a-2"}),
    _good("longest-port-name", {"protocols/0/port": "dubbo-port-nam1"}),
    _good("tri", {"protocols/0": {"name": "tri", "port": 50051}}),
    _good("two-protocols", {"protocols/1": {"name": "tri", "port": 50051}}),
    _good("two-protocols-on-one-port", {"protocols/1": {"name": "tri", "port": 20880}}),
    _good(
        "protocol-of-an-interface",
        {"protocols/1": {"name": "tri", "port": 50051}, "interfaces/0/protocols": ["tri"]},
    ),
    _good("inner-class", {"interfaces/0/name": "com.acme.Outer$Inner$1"}),
    _good("longest-name", {"interfaces/0/name": "a." + "b" * 253}),
    _good("underscores", {"interfaces/0/name": "_a.$b._C"}),
    _good("same-name-other-group", {"interfaces/1": {**_CART, "group": "us"}}),
    _good("same-name-other-version", {"interfaces/1": {**_CART, "version": "2.0.0"}}),
    _good("same-name-no-group", {"interfaces/1": {"name": "demo.CartService", "version": "1.0.0"}}),
    _good("same-name-nothing-else", {"interfaces/1": {"name": "demo.CartService"}}),
    _good("no-methods", {"interfaces/0/methods": []}),
    _good("most-methods", {"interfaces/0/methods": [f"method{n}" for n in range(128)]}),
    _good("method-with-dollar", {"interfaces/0/methods": ["access$000", "_x"]}),
    _good("path", {"interfaces/0/path": "shop/demo.CartService"}),
    _good("weight-zero", {"weight": 0}),
    _good("highest-weight", {"weight": 10_000}),
    _good("no-warmup", {"warmup": 0}),
    _good("longest-warmup", {"warmup": 86_400_000}),
    _good("tag", {"tag": "canary-1"}),
    _good("no-parameters", {"parameters": {}}),
    _good("all-parameters", {"parameters": _ALL_PARAMETERS}),
    _good("shortest-timeout", {"parameters": {"timeout": "1"}}),
    _good("no-retries", {"parameters": {"retries": "0"}}),
    _good("preferred-serialization", {"parameters": {"prefer.serialization": "hessian2"}}),
    _good("longest-value", {"parameters": {"owner": "a" * 256}}),
    _good("all-characters", {"parameters": {"owner": "aZ0._:/,*$@!~()-"}}),
    _good("parameters-of-an-interface", {"interfaces/0/parameters": _ALL_PARAMETERS}),
    _good(
        "parameters-of-a-method",
        {
            "interfaces/0/parameters": {
                "add.timeout": "100",
                "add.retries": "0",
                "remove.loadbalance": "random",
                "remove.actives": "1",
                "remove.executes": "1",
            }
        },
    ),
    _good("ipv4", {"address": {"family": "IPv4"}}),
    _good("ipv6", {"address": {"family": "IPv6"}}),
    _good("empty-address", {"address": {}}),
    _good(
        "as-much-as-allowed",
        {
            "parameters": _ALL_PARAMETERS,
            "interfaces": [
                {
                    "name": f"com.acme.{'x' * 240}.B{n}",
                    "group": "g" * 64,
                    "version": "1" * 64,
                    "path": "p" * 255,
                    "methods": [f"method{method}" for method in range(40)],
                    "parameters": {"timeout": "1", "owner": "o" * 256},
                }
                for n in range(64)
            ],
        },
    ),
)
