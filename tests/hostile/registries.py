"""Registries that must be refused, with the field that must be named, and some that must not be."""

from typing import Final

from tests.hostile.objects import ABSENT, Bad, Good, Object, changed

SPEC: Final[Object] = {"address": "zookeeper://zk-0.zk:2181?backup=zk-1.zk:2181,zk-2.zk:2181"}
"""A good spec: all others are changes to it."""


def _address(name: str, address: object) -> Bad:
    return Bad(name, {"address": address}, "spec.address")


def _root(name: str, root: object) -> Bad:
    return Bad(name, changed(SPEC, {"root": root}), "spec.root")


BAD: Final = (
    Bad("no-spec", None, "spec"),
    Bad("no-address", changed(SPEC, {"address": ABSENT}), "spec.address"),
    _address("address-is-a-list", ["zookeeper://zk:2181"]),
    _address("address-without-protocol", "zk-0.zk:2181,zk-1.zk:2181"),
    _address("address-of-another-registry", "nacos://nacos:8848"),
    _address("address-without-host", "zookeeper://:2181"),
    _address("address-with-port-zero", "zookeeper://zk:0"),
    _address("address-with-a-port-too-large", "zookeeper://zk:65536"),
    _address("backup-with-a-port-too-large", "zookeeper://zk:2181?backup=zk-1:2181,zk-2:70000"),
    _address("address-with-a-path", "zookeeper://zk:2181/dubbo"),
    _address("address-with-commas", "zookeeper://zk-0:2181,zk-1:2181"),
    _address("address-with-another-parameter", "zookeeper://zk:2181?backup=zk-1:2181&username=a"),
    _address("address-with-a-password", "zookeeper://user:secret@zk:2181"),
    _address("address-with-an-empty-backup", "zookeeper://zk:2181?backup="),
    _address("address-with-a-line-break", "zookeeper://zk:2181\n"),
    _address("address-without-end", "zookeeper://" + "a" * 1100),
    _address("too-many-servers", "zookeeper://a?backup=" + ",".join(f"b{n}" for n in range(10))),
    _root("root-is-empty", ""),
    _root("root-is-the-top", "/"),
    _root("root-with-a-wildcard", "dubbo/*"),
    _root("root-goes-up", "dubbo/../zookeeper"),
    _root("root-with-a-slash-at-its-end", "dubbo/"),
    _root("root-is-the-servers-own", "zookeeper"),
    _root("root-is-below-the-servers-own", "/zookeeper/config"),
    _root("root-is-the-operators-own", "/dubbo-registrar"),
    _root("root-too-deep", "a/b/c/d/e"),
    _root("root-is-a-number", 1),
    Bad("session-too-short", changed(SPEC, {"sessionTimeoutMilliseconds": 3999}), "spec.sessionTimeoutMilliseconds"),
    Bad("session-too-long", changed(SPEC, {"sessionTimeoutMilliseconds": 300_001}), "spec.sessionTimeoutMilliseconds"),
    Bad("session-with-a-unit", changed(SPEC, {"sessionTimeoutMilliseconds": "40s"}), "spec.sessionTimeoutMilliseconds"),
    Bad("connect-too-short", changed(SPEC, {"connectTimeoutMilliseconds": 499}), "spec.connectTimeoutMilliseconds"),
    Bad("connect-too-long", changed(SPEC, {"connectTimeoutMilliseconds": 60_001}), "spec.connectTimeoutMilliseconds"),
)


def _good(name: str, changes: dict[str, object]) -> Good:
    return Good(name, changed(SPEC, changes))


GOOD: Final = (
    _good("ensemble", {}),
    _good("one-server", {"address": "zookeeper://127.0.0.1:2181"}),
    _good("no-ports", {"address": "zookeeper://zk-0?backup=zk-1,zk-2"}),
    _good("highest-port", {"address": "zookeeper://zk:65535"}),
    _good("nine-backups", {"address": "zookeeper://a?backup=" + ",".join(f"b{n}" for n in range(9))}),
    _good("root-with-slash", {"root": "/dubbo"}),
    _good("deepest-root", {"root": "a/b-1/c_2/d.3"}),
    _good("root-like-the-servers-own", {"root": "zookeeper2"}),
    _good("shortest-timeouts", {"sessionTimeoutMilliseconds": 4000, "connectTimeoutMilliseconds": 500}),
    _good("longest-timeouts", {"sessionTimeoutMilliseconds": 300_000, "connectTimeoutMilliseconds": 60_000}),
)
