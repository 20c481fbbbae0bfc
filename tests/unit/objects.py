"""Pods, services and registries for the tests of the core: right but for what a test says."""

from typing import Any

from dubbo_registrar.desired import Desired
from dubbo_registrar.expansion import expand
from dubbo_registrar.model import (
    Container,
    Declared,
    Interface,
    Mark,
    ObjectKey,
    Owner,
    Pod,
    Protocol,
    Provider,
    Registry,
    Requirement,
    Selector,
    SelectorOperator,
    Service,
)

CART = "com.acme.CartService"
STOCK = "com.acme.StockService"
OURS = Owner("cluster-1", "dubbo-registrar/dubbo-registrar")
THEIRS = Owner("cluster-2", "dubbo-registrar/dubbo-registrar")
STARTED = 1_700_000_000_000


def pod(name: str = "cart-1", *, host: str = "10.64.0.1", namespace: str = "shop", **changes: Any) -> Pod:  # noqa: ANN401
    """Return a pod that serves Dubbo on port `rpc`, 20880."""
    said: dict[str, Any] = {
        "key": ObjectKey(namespace, name),
        "uid": f"uid-of-{namespace}-{name}",
        "labels": {"app": "cart"},
        "phase": "Running",
        "ready": True,
        "addresses": (host,),
        "created_at": STARTED - 10_000,
        "containers": (Container("main", {"rpc": 20880}, frozenset({20880}), STARTED),),
    }
    return Pod(**said | changes)


def labelled(app: str) -> Selector:
    """Return the selector of pods with a value of the label `app`."""
    return Selector((Requirement("app", SelectorOperator.IN, frozenset({app})),))


def service(name: str = "cart", *, interfaces: tuple[str, ...] = (CART,), **changes: Any) -> Service:  # noqa: ANN401
    """Return a service whose pods export interfaces without group and version."""
    said: dict[str, Any] = {
        "key": ObjectKey("shop", name),
        "uid": f"uid-of-{name}",
        "generation": 1,
        "created_at": STARTED,
        "registry": "default",
        "application": "shop-cart",
        "selector": labelled("cart"),
        "protocols": (Protocol("dubbo", 20880),),
        "interfaces": tuple(Interface(interface) for interface in interfaces),
    }
    return Service(**said | changes)


def registry(name: str = "default", **changes: Any) -> Registry:  # noqa: ANN401
    """Return a registry of one server."""
    said: dict[str, Any] = {
        "key": ObjectKey("dubbo-registrar", name),
        "uid": f"uid-of-{name}",
        "generation": 1,
        "hosts": ("zk:2181",),
        "root": "dubbo",
        "session_timeout": 30.0,
        "connect_timeout": 5.0,
    }
    return Registry(**said | changes)


def declared(value: Service) -> Declared[Service]:
    """Return a service as its author declared it."""
    return Declared(value.key, value.uid, value.generation, value.deleted, value)


def declared_registry(value: Registry) -> Declared[Registry]:
    """Return a registry as its author declared it."""
    return Declared(value.key, value.uid, value.generation, value.deleted, value)


def providers(count: int, *, interface: str = CART, weight: int = 100, **changes: Any) -> dict[str, Provider]:  # noqa: ANN401
    """Return the providers of so many pods, by name."""
    asked = service(interfaces=(interface,), parameters={"weight": str(weight)}, **changes)
    pods = [pod(f"cart-{number}", host=f"10.64.0.{number}") for number in range(1, count + 1)]
    return {provider.name: provider for each in pods for provider in expand(asked, each).providers}


def desired(*things: Service | Pod) -> Desired:
    """Return the desired state of services and pods that arrive in an order."""
    state = Desired()
    for thing in things:
        if isinstance(thing, Pod):
            state.put_pod(thing)
        else:
            state.put_service(thing)
    return state


def mark(provider: Provider, owner: Owner = OURS) -> Mark:
    """Return the mark that says all a mark can say about a provider."""
    return Mark(owner, provider.service, provider.service_uid, provider.pod_uid)
