"""The mark as the data of a node: a small JSON object that tells whose the node is. Pure.

`{"dubbo-registrar":1,"cluster":...,"install":...,"registry":...,"namespace":...,"service":...,"serviceUid":...,
"podUid":...}`

The first key is the version of the form. Whatever is not exactly of this form is no mark, and the node is foreign.
No Dubbo client reads the data of a provider's node: Java itself writes an IP address there, dubbo-go nothing.
"""

import json
from typing import Final

from dubbo_registrar.model import Mark, ObjectKey, Owner

_VERSION_KEY: Final = "dubbo-registrar"
_VERSION: Final = 1
_TEXT_KEYS: Final = ("cluster", "install", "registry", "namespace", "service", "serviceUid", "podUid")

# One encoder for all: `json.dumps` makes a new one at each call that asks for separators.
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))

LIMIT: Final = 4096
"""The most bytes that a mark takes; longer data is no mark. The names of Kubernetes fit several times over."""


def encode(mark: Mark) -> bytes:
    """Return the mark as data of a node. Raises ValueError for a mark that would not be read back: too long."""
    texts = (
        mark.owner.cluster,
        mark.owner.install,
        mark.owner.registry,
        mark.service.namespace,
        mark.service.name,
        mark.service_uid,
        mark.pod_uid,
    )
    content = {_VERSION_KEY: _VERSION, **dict(zip(_TEXT_KEYS, texts, strict=True))}
    data = _ENCODER.encode(content).encode("ascii")
    if len(data) > LIMIT:
        raise ValueError(f"a mark of {len(data)} bytes is longer than {LIMIT}")
    return data


def decode(data: bytes | None) -> Mark | None:
    """Return the mark, or None for anything else: foreign or damaged data, another version, none. Never raises.

    A node may have no data at all, which is not the same as empty data: `create <path>` in zkCli.sh makes such nodes.
    """
    if data is None or len(data) > LIMIT:
        return None
    try:
        content = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.keys() != {_VERSION_KEY, *_TEXT_KEYS}:
        return None
    version = content[_VERSION_KEY]
    texts = [content[key] for key in _TEXT_KEYS]
    # `1 == True == 1.0` in Python: the type is part of the form.
    if type(version) is not int or version != _VERSION or not all(isinstance(text, str) for text in texts):
        return None
    cluster, install, registry, namespace, service, service_uid, pod_uid = texts
    return Mark(Owner(cluster, install, registry), ObjectKey(namespace, service), service_uid, pod_uid)
