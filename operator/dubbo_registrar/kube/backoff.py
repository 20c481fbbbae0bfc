"""How long to wait before the next attempt: doubling, with jitter, capped. No clock, no sleep."""

import random
from collections.abc import Callable

FIRST_SECONDS = 0.1


class Backoff:
    """The waits of one thing that is tried again and again.

    `chance` returns a number from 0 to 1: each wait is between half and all of what it may be.
    """

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._limit = 0.0
        self._longest = 0.0

    def reset(self) -> None:
        """Begin anew: the thing worked."""
        self._longest = 0.0

    def next(self, *, limit: float) -> float:
        """Return the next wait in seconds, at most `limit`. Another limit is another trouble: its waits begin anew."""
        if limit != self._limit:
            self._limit, self._longest = limit, 0.0
        self._longest = min(limit, self._longest * 2 or FIRST_SECONDS)
        return self._longest * (0.5 + self._chance() / 2)
