"""Dubbo's service key, `[group/]interface[:version]`: what a consumer asks for, and the key of its cache file. Pure."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class ServiceKey:
    """A service: an interface, in a group and a version if it has them."""

    interface: str
    group: str | None = None
    version: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a service key: the first `/` ends the group, the first `:` after it the interface.

        Raises:
            ValueError: There is no interface in it.
        """
        group, slash, rest = text.partition("/")
        interface, _, version = (rest if slash else text).partition(":")
        if not interface:
            raise ValueError(f"no interface in the service key {text!r}")
        return cls(interface, (group if slash else "") or None, version or None)

    def __str__(self) -> str:
        """Return `[group/]interface[:version]`; an empty group or version counts as none, as in Java."""
        group = f"{self.group}/" if self.group else ""
        version = f":{self.version}" if self.version else ""
        return f"{group}{self.interface}{version}"
