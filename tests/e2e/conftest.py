"""One test bed for all end-to-end tests, and a shop of its own for each."""

from collections.abc import Iterator

import pytest

from testbed.bed import TestBed
from tests.e2e.shop import Shop


@pytest.fixture(scope="session")
def bed() -> Iterator[TestBed]:
    """Start the control plane, its nodes and the kubelet once."""
    with TestBed(zookeeper=False) as running:
        yield running


@pytest.fixture
def shop(bed: TestBed) -> Iterator[Shop]:
    """Give a test a namespace, and a ZooKeeper and an operator that it may start."""
    with Shop(bed) as world:
        yield world
