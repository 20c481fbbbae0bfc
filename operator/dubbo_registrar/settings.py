"""The operator's settings: read once from the environment (`DUBBO_REGISTRAR_*`), then passed down, never changed.

What users declare (services, registries) is not here: that is in the custom resources.
"""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self, get_type_hints

from dubbo_registrar.errors import InvalidSettingError

PREFIX = "DUBBO_REGISTRAR_"

# Kubernetes puts these into every pod of a namespace that has a Service called dubbo-registrar or dubbo-registrar-*.
_SERVICE_LINK = re.compile(PREFIX + r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_\w+)?)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One field for each environment variable: `cluster_id` is read from `DUBBO_REGISTRAR_CLUSTER_ID`."""

    namespace: str = "dubbo-registrar"
    """The operator's own namespace: only the Registry objects in it count."""
    release: str = "dubbo-registrar"
    """The name of this install, part of the mark of its nodes: two installs in one namespace need two names."""
    cluster_id: str = ""
    """What tells this cluster's nodes from another's in a shared tree. Empty: the uid of namespace `kube-system`."""
    resync_seconds: float = 300.0
    """Everything is compared again after this time, in seconds, whether or not anything was heard of."""
    log_format: str = "auto"
    """`json`, `console`, or `auto`: console on a terminal, JSON elsewhere."""
    log_level: str = "info"
    """`debug`, `info`, `warning` or `error`."""

    def __post_init__(self) -> None:
        """Refuse what cannot be used. Raises InvalidSettingError."""
        _one_of("log_format", self.log_format, "auto", "console", "json")
        _one_of("log_level", self.log_level, "debug", "info", "warning", "error")
        for name in ("namespace", "release"):
            if not getattr(self, name):
                message = f"{PREFIX}{name.upper()} must not be empty"
                raise InvalidSettingError(message)
        for name in ("resync_seconds",):
            if not 0 < getattr(self, name) < math.inf:
                message = f"{PREFIX}{name.upper()} must be a number of seconds greater than 0"
                raise InvalidSettingError(message)

    @property
    def install(self) -> str:
        """Return what tells this install's nodes from another's: namespace and release."""
        return f"{self.namespace}/{self.release}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings. Raises InvalidSettingError: a value of the wrong form, a variable that does not exist."""
        types = get_type_hints(cls)
        known = {PREFIX + field.name.upper(): field.name for field in fields(cls)}
        values: dict[str, object] = {}
        for variable, text in environment.items():
            if not variable.startswith(PREFIX) or _SERVICE_LINK.fullmatch(variable):
                continue
            if variable not in known:
                message = f"{variable} is not a setting; the settings are {', '.join(sorted(known))}"
                raise InvalidSettingError(message)
            name = known[variable]
            try:
                values[name] = types[name](text)
            except ValueError as error:
                message = f"{variable} must be a number, not {text!r}"
                raise InvalidSettingError(message) from error
        return cls(**values)  # type: ignore[arg-type]


def _one_of(name: str, value: str, *allowed: str) -> None:
    if value not in allowed:
        message = f"{PREFIX}{name.upper()} must be one of {', '.join(allowed)}, not {value!r}"
        raise InvalidSettingError(message)
