"""The Kubernetes side of the operator: what the API server holds, mirrored in memory, and what is written back to it.

Exceptions of kubernetes and aiohttp end here; what leaves is in `errors.py`. Nothing here knows of ZooKeeper.
"""
