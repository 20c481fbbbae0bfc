"""The test bed: a real Kubernetes control plane, real ZooKeeper servers and real Dubbo processes in a private network.

Nothing in here is part of the product. ``python -m testbed`` shows what it can do.
"""
