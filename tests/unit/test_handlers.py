"""How often kopf is told to come again."""

import asyncio

from dubbo_registrar.handlers import _delay, _within
from dubbo_registrar.model import ObjectKey

KEY = ObjectKey("shop", "cart")


def test_a_withdrawal_that_takes_a_moment_is_no_failed_attempt() -> None:
    """The handler waits for an answer that changes soon: each failed attempt costs a patch and an ERROR in the log."""
    answers = iter([False, False, True])

    async def withdrawn(key: ObjectKey) -> bool:
        assert key == KEY
        return next(answers)

    assert asyncio.run(_within(60.0, withdrawn, KEY))


def test_a_withdrawal_that_takes_long_is_given_up_for_now() -> None:
    """The worker of kopf is not held up for as long as ZooKeeper is away."""

    async def withdrawn(_: ObjectKey) -> bool:
        return False

    assert not asyncio.run(_within(0.0, withdrawn, KEY))


def test_attempts_get_rarer() -> None:
    """The first attempts follow each other quickly, later ones do not write to the API server each second."""
    delays = [_delay(retry) for retry in range(100)]
    assert delays[0] <= 1
    assert delays == sorted(delays)
    assert 10 <= delays[-1] <= 60
