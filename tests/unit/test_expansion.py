"""What one pod is for one service: its providers, or the reasons why it is none."""

from dataclasses import replace

import pytest

from dubbo_registrar.dubbo.url import Url
from dubbo_registrar.expansion import Expansion, Reason, expand
from dubbo_registrar.model import AddressFamily, Container, Interface, Pod, Protocol, Provider, Service
from tests.unit.objects import CART, STARTED, STOCK, pod, service


def addresses(found: Expansion) -> list[tuple[str, str, str, int]]:
    """Return interface, protocol, host and port of each provider."""
    return [(each.interface, *each.address) for each in found.providers]


def reasons(found: Expansion) -> list[Reason]:
    """Return why the pod is not registered."""
    return [refusal.reason for refusal in found.refusals]


def url(provider: Provider) -> Url:
    """Return what a consumer reads."""
    return Url.from_node_name(provider.name)


def test_a_ready_pod_is_a_provider_for_each_interface_and_protocol() -> None:
    """Two interfaces over two protocols are four providers, each of which says whose it is."""
    both = (Protocol("dubbo", 20880), Protocol("tri", 50051))
    found = expand(service(interfaces=(CART, STOCK), protocols=both), pod())
    assert set(addresses(found)) == {
        (interface, protocol, "10.64.0.1", port)
        for interface in (CART, STOCK)
        for protocol, port in (("dubbo", 20880), ("tri", 50051))
    }
    assert {(each.service, each.service_uid, each.pod, each.pod_uid) for each in found.providers} == {
        (service().key, service().uid, pod().key, pod().uid)
    }
    assert found.refusals == ()


def test_the_name_says_what_the_provider_says() -> None:
    """Address, interface, group and version are in the URL as they are in the value."""
    asked = replace(service(), interfaces=(Interface(CART, group="eu", version="1.0.0"),))
    (provider,) = expand(asked, pod()).providers
    read = url(provider)
    assert (read.protocol, read.host, read.port) == provider.address
    assert (read.parameters["group"], read.parameters["version"]) == ("eu", "1.0.0") == provider.claim[1:3]


@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        (pod(ready=False), Reason.NOT_READY),
        (pod(terminating=True), Reason.TERMINATING),
        (pod(terminating=True, ready=False, phase="Failed"), Reason.TERMINATING),
        (pod(phase="Failed"), Reason.NOT_RUNNING),
        (pod(phase="Succeeded"), Reason.NOT_RUNNING),
        (pod(phase="Pending"), Reason.NOT_RUNNING),
        (pod(addresses=()), Reason.NO_ADDRESS),
        (pod(addresses=("fd00::1",)), Reason.NO_ADDRESS),
        (pod(addresses=("not-an-address",)), Reason.NO_ADDRESS),
    ],
)
def test_a_pod_that_cannot_be_called_is_no_provider(unfit: Pod, reason: Reason) -> None:
    """Unready, terminating, evicted and finished pods with an address, and pods without one, are told apart."""
    found = expand(service(), unfit)
    assert (found.providers, reasons(found), found.fit) == ((), [reason], False)


@pytest.mark.parametrize("both", [("10.64.0.9", "fd00::9"), ("fd00::9", "10.64.0.9")])
@pytest.mark.parametrize(("family", "host"), [(AddressFamily.IPV4, "10.64.0.9"), (AddressFamily.IPV6, "fd00::9")])
def test_of_two_families_the_one_that_is_asked_for_is_listed(
    both: tuple[str, ...], family: AddressFamily, host: str
) -> None:
    """A dual-stack pod is listed with its first address of the service's family, in whatever order it has them."""
    (provider,) = expand(service(family=family), pod(addresses=both)).providers
    assert provider.address.host == url(provider).host == host


NAMED = Container("rpc", {"rpc": 20881}, frozenset({20881, 20882}), STARTED + 5_000)
SIDECAR = Container("sidecar", {"admin": 9090}, frozenset({9090}), STARTED)


@pytest.mark.parametrize(("port", "number"), [("rpc", 20881), (20882, 20882), (12345, 12345)])
def test_a_port_is_a_name_or_a_number(port: str | int, number: int) -> None:
    """A name is looked up in all containers; a number is taken at its word, declared or not."""
    (provider,) = expand(service(protocols=(Protocol("dubbo", port),)), pod(containers=(SIDECAR, NAMED))).providers
    assert provider.address.port == number


def test_a_port_name_that_no_container_has_is_told_with_those_there_are() -> None:
    """The message names the port that was asked for and the ports of the pod; other protocols are served."""
    asked = service(protocols=(Protocol("dubbo", "dubo"), Protocol("tri", "rpc")))
    found = expand(asked, pod(containers=(SIDECAR, NAMED)))
    assert [each.address.protocol for each in found.providers] == ["tri"]
    ((refusal),) = found.refusals
    assert refusal.reason is Reason.PORT_NOT_FOUND
    assert found.fit
    assert all(name in refusal.message for name in ("'dubo'", "admin", "rpc"))


def stamped(asked: Service, callee: Pod) -> int:
    """Return the second that the timestamp of a pod's provider is in."""
    (provider,) = expand(asked, callee).providers
    return int(url(provider).parameters["timestamp"]) // 1000


@pytest.mark.parametrize("port", ["rpc", 20882])
def test_the_timestamp_is_the_start_of_the_container_that_owns_the_port(port: str | int) -> None:
    """A restart of a sidecar leaves the URL as it is; a restart of the container that serves makes another one."""
    asked = service(protocols=(Protocol("dubbo", port),))
    early = stamped(asked, pod(containers=(SIDECAR, NAMED)))
    assert stamped(asked, pod(containers=(replace(SIDECAR, started_at=STARTED + 99_000), NAMED))) == early
    restarted = replace(NAMED, started_at=STARTED + 65_000)
    assert stamped(asked, pod(containers=(SIDECAR, restarted))) == early + 60


def test_without_an_owner_of_the_port_the_first_container_tells_the_time() -> None:
    """For a port that no container declares the first container counts."""
    asked = service(protocols=(Protocol("dubbo", 12345),))
    first = stamped(asked, pod(containers=(SIDECAR, NAMED)))
    assert stamped(asked, pod(containers=(NAMED, SIDECAR))) == first + 5


def test_without_a_start_the_creation_of_the_pod_tells_the_time() -> None:
    """A pod whose containers report no start still gets one and the same URL each time."""
    asked = service(protocols=(Protocol("dubbo", 12345),))
    assert stamped(asked, pod(containers=(), created_at=STARTED)) == stamped(
        asked, pod(containers=(replace(SIDECAR, started_at=None),), created_at=STARTED)
    )


def test_an_interface_is_served_on_the_protocols_that_it_names() -> None:
    """An interface that names protocols is listed on these; one that names none on all."""
    asked = replace(
        service(protocols=(Protocol("dubbo", 20880), Protocol("tri", 50051))),
        interfaces=(Interface(CART, protocols=("tri",)), Interface(STOCK)),
    )
    assert {(each.interface, each.address.protocol) for each in expand(asked, pod()).providers} == {
        (CART, "tri"),
        (STOCK, "dubbo"),
        (STOCK, "tri"),
    }


def test_an_interface_that_makes_no_url_does_not_hold_up_the_others() -> None:
    """What cannot be written so that all consumers read it is refused by name; the other interfaces are registered."""
    bad = Interface(STOCK, parameters={"timeout": "1&category=routers"})
    found = expand(replace(service(), interfaces=(bad, Interface(CART))), pod())
    assert [each.interface for each in found.providers] == [CART]
    (refusal,) = found.refusals
    assert refusal.reason is Reason.UNUSABLE_URL
    assert STOCK in refusal.message
    assert "timeout" in refusal.message


def test_a_port_number_that_does_not_exist_makes_no_url() -> None:
    """Ports are from 1 to 65535."""
    assert reasons(expand(service(protocols=(Protocol("dubbo", 65536),)), pod())) == [Reason.UNUSABLE_URL]
