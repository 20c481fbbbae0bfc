"""The ZooKeeper side: session, tree below a root, marks in our nodes, and the transactions that carry out plans.

The only package that imports kazoo. Nothing of kazoo, no exception either, passes its border: `ZooKeeperRegistry`.
"""
