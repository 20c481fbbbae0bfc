"""Kubernetes pods as Dubbo providers in ZooKeeper: `RegistryService` objects say which."""

__version__ = "0.1.0"
