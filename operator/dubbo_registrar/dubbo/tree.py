"""The names in Dubbo's registry tree, `/<root>/<interface, encoded>/<category>/<URL, encoded>`. Pure: no ZooKeeper."""

from enum import StrEnum

from dubbo_registrar.dubbo.encoding import decode, encode

NOT_INTERFACES = frozenset({"config", "mapping", "metadata"})
"""What Dubbo 2.7 and 3 keep beside the interfaces: config centre, service mapping, metadata reports."""


class Category(StrEnum):
    """The directories of an interface, in the order in which Dubbo subscribes to all of them."""

    PROVIDERS = "providers"
    CONSUMERS = "consumers"
    ROUTERS = "routers"
    CONFIGURATORS = "configurators"


def directory_name(interface: str) -> str:
    """Return the name of an interface's directory below the root; `$` of an inner class becomes `%24`.

    Raises:
        ValueError: A name that cannot be an interface's directory: empty, `.`, `..` or one of NOT_INTERFACES.
    """
    if interface in NOT_INTERFACES or interface in {"", ".", ".."}:
        raise ValueError(f"{interface!r} cannot be the directory of an interface")
    return encode(interface)


def interface_of(directory: str) -> str | None:
    """Return the interface that a directory below the root belongs to; None when it is not an interface's.

    Anybody may make a directory there. Only a name that `directory_name` would give counts: `%2E` and `%63onfig` are
    names that ZooKeeper takes, and no interface's.
    """
    try:
        interface = decode(directory)
        return interface if directory_name(interface) == directory else None
    except ValueError:
        return None


def providers_path(root: str, interface: str) -> str:
    """Return the path of an interface's providers. The root comes without slashes at its ends.

    Raises:
        ValueError: As `directory_name`.
    """
    return f"/{root}/{directory_name(interface)}/{Category.PROVIDERS}"
