"""How a `providers` directory followed the pods: ZooKeeper's transaction log against what Kubernetes said and when.

Both clocks are that of the machine. The log knows every state that any reader could have seen.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Self

from dubbo_registrar.dubbo.url import Url
from testbed.dubbo import Reference
from testbed.observer.history import History
from tests.e2e.pod_record import Spell

WANTED_AFTER_SECONDS = 0.25
"""A provider is wanted once its pod has been ready for this long."""

_CLOCK_SECONDS = 0.1  # The operator may hear of an event this much earlier than the record does.


@dataclass(frozen=True, slots=True)
class State:
    """What readers saw from a transaction on until the next one; times are seconds since 1970."""

    start: float
    end: float
    hosts: frozenset[str]


@dataclass(frozen=True, slots=True)
class TreeRecord:
    """One directory over time."""

    reference: Reference
    states: tuple[State, ...]

    @classmethod
    def read(cls, history: History, reference: Reference) -> Self:
        """Take the directory of an interface from the log."""
        changes = [
            (transaction.time / 1000, frozenset(Url.from_node_name(name).host for name in names))
            for transaction, names in history.states(f"/dubbo/{reference.interface}/providers")
        ]
        states = [
            State(start, end, hosts) for (start, hosts), (end, _) in pairwise([*changes, (math.inf, frozenset())])
        ]
        return cls(reference, tuple(states))

    def since(self, moment: float) -> list[State]:
        """Return the states that transactions brought about since then."""
        return [state for state in self.states if state.start >= moment]

    def fewest(self, since: float) -> int:
        """Return how many providers the shortest list had that a transaction brought about since then."""
        return min(len(state.hosts) for state in self.since(since))

    def added_after(self, spell: Spell) -> float:
        """Return how many seconds after its spell began a pod was listed (0: before); infinity if it never was."""
        found = (state.start for state in self.states if state.end > spell.start and spell.host in state.hosts)
        return max(0.0, next(found, math.inf) - spell.start)

    def removed_at(self, spell: Spell) -> float:
        """Return when a pod was gone from the list for the first time after its spell ended; infinity if it never was.

        As the record may have heard of the end late, a moment earlier counts as well.
        """
        heard = spell.end - _CLOCK_SECONDS
        return next((s.start for s in self.states if s.end > heard and spell.host not in s.hosts), math.inf)

    def missing(self, spells: Iterable[Spell]) -> list[str]:
        """Return each wanted provider that a state was without, in words."""
        found = []
        for spell in spells:
            start, end = spell.start + WANTED_AFTER_SECONDS, spell.end - _CLOCK_SECONDS
            for state in self.states:
                if spell.host not in state.hosts and max(state.start, start) < min(state.end, end):
                    when = f"from {state.start - spell.start:+.3f} s after it was ready"
                    found.append(f"{self.reference.interface}: {spell.pod} ({spell.host}) {when}")
        return found


def assert_tree_follows(trees: Iterable[TreeRecord], spells: Iterable[Spell], *, since: float, within: float) -> None:
    """Print how fast pods that came and went were listed and removed, and check that none took longer than `within`.

    Also that no state lacked a provider that was wanted.
    """
    spells = list(spells)
    came = [spell for spell in spells if spell.start > since]
    went = [spell for spell in spells if spell.end < math.inf]
    for tree in trees:
        added = {spell.pod: tree.added_after(spell) for spell in came}
        removed = {spell.pod: max(0.0, tree.removed_at(spell) - spell.end) for spell in went}
        print(
            f"{tree.reference.interface}: {len(came)} came, listed within {_figures(added.values())}; "
            f"{len(went)} went, removed within {_figures(removed.values())}; "
            f"{len(tree.since(since))} transactions, at least {tree.fewest(since)} providers in every state"
        )
        assert not tree.missing(spells)
        assert max(added.values(), default=0) <= within, added
        assert max(removed.values(), default=0) <= within, removed


def _figures(seconds: Collection[float]) -> str:
    return f"{max(seconds):.3f} s (median {median(seconds):.3f})" if seconds else "-"
