"""The pace at which a `providers` directory is written: what of a plan may go now, and when to ask again. Pure.

Every change makes every consumer read the list again, and dubbo-go read each node of it. A node that is deleted while
dubbo-go still reads after an earlier change stays in its list for good (`ZkEventListener.handleZkNodeEvent` of 3.3.2
adds it although its content could not be read, and waits for an event that cannot come any more); a node that goes
before its successor was heard of ends calls under way. So deletes keep a distance from the write before them, while
nothing that a consumer could call has to wait for them.
"""

from dataclasses import replace
from math import inf

from dubbo_registrar.plan import Plan

BETWEEN_WRITES = 0.1
"""Seconds between two writes of a directory: a first change goes at once, what follows is gathered."""
BEFORE_DELETES = 0.25
"""Seconds between a write and deletes after it."""
LONGEST_HOLD = 0.6
"""Seconds that deletes are held at most, while other changes go on and on: dead addresses help nobody."""


class Pace:
    """The pace of all directories of a registry. Times are seconds of any one clock."""

    def __init__(self) -> None:
        """Begin with directories that were never written."""
        self._written: dict[str, float] = {}
        self._held_since: dict[str, float] = {}

    def written(self, interface: str, *, at: float) -> None:
        """Note that a directory was written."""
        self._written[interface] = at

    def allow(self, interface: str, steps: Plan, *, now: float) -> tuple[Plan, float]:
        """Return what of a plan may be written now, and in how many seconds to come back for the rest (0: none)."""
        if not steps.deletes:
            self._held_since.pop(interface, None)
        if steps.empty:
            return steps, 0.0
        quiet = now - self._written.get(interface, -inf)
        if quiet < BETWEEN_WRITES:
            return Plan(), BETWEEN_WRITES - quiet
        if steps.deletes:
            held = now - self._held_since.setdefault(interface, now)
            wait = min(BEFORE_DELETES - quiet, LONGEST_HOLD - held)
            if wait > 0:
                return replace(steps, deletes=()), wait
            del self._held_since[interface]
        return steps, 0.0
