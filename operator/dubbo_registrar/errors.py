"""The exceptions of dubbo-registrar.

    RegistrarError
    ├── InvalidObjectError            a user's object cannot be used as it is; the text is shown in its status
    ├── InvalidSettingError           the operator cannot use a setting; the text is shown on the terminal
    ├── RegistryUnavailableError      ZooKeeper does not answer now; try again when it does
    │   └── UnknownOutcomeError       a write was sent and no answer came: it may have happened; read, then decide
    ├── RefusedError                  ZooKeeper refused a write as a whole (a condition was not met); read, then decide
    ├── KubernetesUnavailableError    the API server does not answer now, or not sensibly; try again
    └── KubernetesRefusedError        the API server said no; `status` tells why (404 gone, 409 conflict, 410 expired)
        └── KubernetesForbiddenError  the operator's account may not do this; the text says which rule is missing

Exceptions of kazoo, kubernetes and aiohttp do not pass the borders of `registry/` and `kube/`: they become these.
"""

from http import HTTPStatus


class RegistrarError(Exception):
    """Any error that dubbo-registrar raises on purpose."""


class InvalidObjectError(RegistrarError):
    """A user's object cannot be used as it is.

    `field` is the path of the field at fault in the object (`spec.interfaces[0].name`), empty when the whole object is.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        """Keep what is wrong and where."""
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field


class InvalidSettingError(RegistrarError):
    """The operator was started with a setting that it cannot use."""


class RegistryUnavailableError(RegistrarError):
    """ZooKeeper does not answer at the moment. Nothing was sent, or a read got no answer."""


class UnknownOutcomeError(RegistryUnavailableError):
    """A write was sent and its answer was lost. It may or may not have happened: read again before deciding."""


class RefusedError(RegistrarError):
    """ZooKeeper refused a transaction as a whole: none of its operations happened."""


class KubernetesUnavailableError(RegistrarError):
    """The API server does not answer at the moment, or its answer makes no sense. Trying again may help."""


class KubernetesRefusedError(RegistrarError):
    """The API server refused a request. `status` is the HTTP status code it gave."""

    def __init__(self, message: str, *, status: int) -> None:
        """Keep what the API server said and its status code."""
        super().__init__(message)
        self.status = status


class KubernetesForbiddenError(KubernetesRefusedError):
    """The operator's account may not do this. The text names verb and resource, and the rule to add."""

    def __init__(self, message: str) -> None:
        """Keep what is forbidden and what to do about it."""
        super().__init__(message, status=HTTPStatus.FORBIDDEN)
