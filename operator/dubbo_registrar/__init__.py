"""Pods and `RegistryService` objects become providers, a plan, and nodes in ZooKeeper that every Dubbo consumer can read."""

__version__ = "0.1.0"
