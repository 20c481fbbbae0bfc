"""Real Dubbo processes: providers that serve at an address, consumers that find them in ZooKeeper and call them.

Sources are in ``testbed/clients``, the recipe in ``build``. Nothing here knows Kubernetes. Standard library only, so
that ``prepare`` can run before there is a virtual environment.
"""

from testbed.dubbo.build import prepare
from testbed.dubbo.consumer import Call, Consumer, ConsumerKind, Reference
from testbed.dubbo.java_url import JavaUrl, ReadUrl
from testbed.dubbo.provider import Provider, ProviderKind, Service

__all__ = [
    "Call",
    "Consumer",
    "ConsumerKind",
    "JavaUrl",
    "Provider",
    "ProviderKind",
    "ReadUrl",
    "Reference",
    "Service",
    "prepare",
]
