"""An event loop whose clock jumps to the next timer as soon as nothing else is to do.

Scenarios of minutes take milliseconds, and each run is the same: nothing here waits for real time. For code without
threads and sockets only.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Clock(selectors.SelectSelector):
    """A selector that does not wait: it moves the clock by the time it was asked to."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("every task waits for something that cannot happen any more")
        self.now += max(timeout, 0.0)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """Run a scenario in virtual time and return its result."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(scenario)


async def pass_time(seconds: float) -> None:
    """Let virtual time pass."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, passed.set)
    await passed.wait()


async def eventually(condition: Callable[[], object], *, within: float = 60.0) -> None:
    """Wait until a condition holds. Fails when it does not within so many virtual seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while not condition():
        assert loop.time() < deadline, f"not so within {within} seconds"
        await pass_time(0.01)


async def turns_until(condition: Callable[[], object]) -> None:
    """Let the other tasks run, turn by turn, until a condition holds. No time passes."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("not so, and nothing but time would change it")
