"""The waits between attempts."""

from hypothesis import given
from hypothesis import strategies as st

from dubbo_registrar.kube.backoff import Backoff


def test_waits_double_up_to_the_limit() -> None:
    """The first wait is a short one, each further one twice as long, none longer than the limit."""
    backoff = Backoff(chance=lambda: 1.0)

    assert [backoff.next(limit=1.0) for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_begins_anew() -> None:
    """After it worked, and after trouble of another kind, the first wait is a short one again."""
    backoff = Backoff(chance=lambda: 1.0)
    for _ in range(9):
        backoff.next(limit=1.0)
    other = backoff.next(limit=5.0), backoff.next(limit=5.0)
    backoff.reset()

    assert other == (0.1, 0.2)
    assert backoff.next(limit=5.0) == 0.1


@given(st.floats(0.0, 1.0))
def test_jitter(chance: float) -> None:
    """A wait is at least half of what it may be: many that failed together do not come back together."""
    assert 0.05 <= Backoff(chance=lambda: chance).next(limit=1.0) <= 0.1
