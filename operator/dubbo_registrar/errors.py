"""The exceptions of dubbo-registrar.

    RegistrarError
    ├── InvalidObjectError        a user's object cannot be used as it is; the text is shown in its status
    ├── InvalidSettingError       the operator was started with a setting it cannot use; the text is shown on the terminal
    ├── RegistryUnavailableError  ZooKeeper does not answer now; try again when it does
    ├── UnknownOutcomeError       a write was sent and no answer came: it may or may not have happened; read, then decide
    └── RefusedError              ZooKeeper refused a write as a whole (a condition in it was not met); read, then decide

Exceptions of kazoo, kubernetes and aiohttp do not pass the borders of `registry/` and `kube/`: they are mapped to these.
"""


class RegistrarError(Exception):
    """Any error that dubbo-registrar raises on purpose."""


class InvalidObjectError(RegistrarError):
    """A user's object cannot be used as it is.

    `field` is the path of the field at fault in the object (`spec.interfaces[0].name`), or empty when the whole object is.
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
