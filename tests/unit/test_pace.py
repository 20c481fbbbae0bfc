"""The laws of the pace: nothing is forgotten, creates are quick, deletes keep their distance but not for long."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from dubbo_registrar.pace import BEFORE_DELETES, BETWEEN_WRITES, LONGEST_HOLD, Pace
from dubbo_registrar.plan import Create, Delete, Plan
from tests.unit.objects import mark, providers

CART = "com.acme.CartService"
STEP = 0.01
MARK = mark(next(iter(providers(1).values())))


def played(arrivals: list[tuple[bool, bool]]) -> tuple[list[float], list[float], list[tuple[float, bool, bool]]]:
    """Play a directory in which a create or a delete may fall due at each hundredth of a second, asked as it is told.

    Returns how long each create and each delete waited, and the writes: when, with creates, with deletes.
    """
    pace, asked = Pace(), 0.0
    creates: list[float] = []
    deletes: list[float] = []
    waits: tuple[list[float], list[float]] = ([], [])
    writes: list[tuple[float, bool, bool]] = []
    for tick in range(len(arrivals) + 200):
        now = tick * STEP
        come, go = arrivals[tick] if tick < len(arrivals) else (False, False)
        creates += [now] if come else []
        deletes += [now] if go else []
        if not (come or go) and now < asked:
            continue
        due = Plan(
            creates=tuple(Create(str(at), MARK) for at in creates), deletes=tuple(Delete(str(at)) for at in deletes)
        )
        steps, wait = pace.allow(CART, due, now=now)
        asked = now + wait
        if not steps.empty:
            pace.written(CART, at=now)
            writes.append((now, bool(steps.creates), bool(steps.deletes)))
        if steps.creates:
            waits[0].extend(now - at for at in creates)
            creates = []
        if steps.deletes:
            waits[1].extend(now - at for at in deletes)
            deletes = []
    assert not creates
    assert not deletes
    return *waits, writes


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=150))
def test_nobody_waits_for_long(arrivals: list[tuple[bool, bool]]) -> None:
    """Everything is written in the end: creates within a tenth of a second, deletes when they were held long enough."""
    creates, deletes, _ = played(arrivals)
    assert max(creates, default=0) < BETWEEN_WRITES + 2 * STEP
    assert max(deletes, default=0) < LONGEST_HOLD + BETWEEN_WRITES + 2 * STEP


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=150))
def test_writes_keep_their_distance(arrivals: list[tuple[bool, bool]]) -> None:
    """No two writes are closer than the pace allows, whatever falls due."""
    _, _, writes = played(arrivals)
    times = [at for at, _, _ in writes]
    assert all(later - former > BETWEEN_WRITES - STEP for former, later in itertools.pairwise(times))


def test_the_first_change_goes_at_once() -> None:
    """Neither a create nor a delete waits in a directory that was quiet."""
    assert played([(True, True)]) == ([0.0], [0.0], [(0.0, True, True)])


def test_a_delete_keeps_its_distance_from_a_create() -> None:
    """A delete just after a create waits until whoever reads the list for the create has done so."""
    _, (waited,), writes = played([(True, False), (False, True)])
    assert [(creates, deletes) for _, creates, deletes in writes] == [(True, False), (False, True)]
    assert writes[1][0] - writes[0][0] >= BEFORE_DELETES - STEP
    assert waited < BEFORE_DELETES + STEP
