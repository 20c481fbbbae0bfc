"""Settings: what the environment may say, and what is refused with the name of the variable."""

import pytest

from dubbo_registrar.errors import InvalidSettingError
from dubbo_registrar.settings import Settings


def test_an_empty_environment_is_enough() -> None:
    """Every setting has a default; variables of others do not matter."""
    assert Settings.from_environment({"HOME": "/root"}) == Settings()


def test_each_variable_sets_its_field() -> None:
    """Texts come as they are, numbers as numbers."""
    read = Settings.from_environment(
        {
            "DUBBO_REGISTRAR_NAMESPACE": "infra",
            "DUBBO_REGISTRAR_RELEASE": "blue",
            "DUBBO_REGISTRAR_CLUSTER_ID": "eu-1",
            "DUBBO_REGISTRAR_RESYNC_SECONDS": "60",
            "DUBBO_REGISTRAR_LOG_FORMAT": "json",
            "DUBBO_REGISTRAR_LOG_LEVEL": "debug",
        }
    )
    assert read == Settings(
        namespace="infra",
        release="blue",
        cluster_id="eu-1",
        resync_seconds=60.0,
        log_format="json",
        log_level="debug",
    )
    assert read.install == "infra/blue"


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("DUBBO_REGISTRAR_NAMESPACE", ""),
        ("DUBBO_REGISTRAR_RELEASE", ""),
        ("DUBBO_REGISTRAR_RESYNC_SECONDS", "five"),
        ("DUBBO_REGISTRAR_RESYNC_SECONDS", "0"),
        ("DUBBO_REGISTRAR_RESYNC_SECONDS", "-1"),
        ("DUBBO_REGISTRAR_RESYNC_SECONDS", "nan"),
        ("DUBBO_REGISTRAR_RESYNC_SECONDS", "inf"),
        ("DUBBO_REGISTRAR_LOG_FORMAT", "xml"),
        ("DUBBO_REGISTRAR_LOG_LEVEL", "loud"),
        ("DUBBO_REGISTRAR_RESYNC", "60"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(variable: str, text: str) -> None:
    """A value of the wrong form, and a variable that is no setting, are refused with the variable's name."""
    with pytest.raises(InvalidSettingError, match=f"{variable} "):
        Settings.from_environment({variable: text})


@pytest.mark.parametrize(
    "variable",
    [
        "DUBBO_REGISTRAR_SERVICE_HOST",
        "DUBBO_REGISTRAR_SERVICE_PORT",
        "DUBBO_REGISTRAR_PORT",
        "DUBBO_REGISTRAR_PORT_8080_TCP_ADDR",
        "DUBBO_REGISTRAR_METRICS_SERVICE_HOST",
        "DUBBO_REGISTRAR_METRICS_SERVICE_PORT_HTTP",
        "DUBBO_REGISTRAR_METRICS_PORT",
        "DUBBO_REGISTRAR_METRICS_PORT_8080_TCP",
        "DUBBO_REGISTRAR_METRICS_PORT_8080_TCP_PROTO",
    ],
)
def test_links_of_kubernetes_services_are_no_settings(variable: str) -> None:
    """What Kubernetes adds for a Service called dubbo-registrar or dubbo-registrar-metrics is passed over."""
    assert Settings.from_environment({variable: "tcp://10.0.0.1:8080"}) == Settings()
