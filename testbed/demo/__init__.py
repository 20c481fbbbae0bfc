"""``make demo``: the operator at work in one terminal, with real pods, a real ZooKeeper and real consumers.

``scene`` is what there is, ``story`` what happens to it, ``view`` how it is shown.
"""

from testbed.demo.story import run

__all__ = ["run"]
