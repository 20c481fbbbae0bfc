"""Waiting for a condition with a deadline; and for time itself, where nothing else is meant."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_INTERVAL_SECONDS = 0.015


def wait_until(condition: Callable[[], T], *, timeout: float = 30.0, message: str = "") -> T:
    """Return the first truthy value of ``condition``, asked every 15 ms for at most ``timeout`` seconds.

    Raises:
        AssertionError: With ``message`` and the last value, when the time is over.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            what = message or getattr(condition, "__name__", "the condition")
            error = f"not within {timeout:g} s: {what} (last value: {value!r})"
            raise AssertionError(error)
        time.sleep(_INTERVAL_SECONDS)


def let_pass(seconds: float) -> None:
    """Let time pass where time itself is the matter: the length of an outage, a span that is measured."""
    time.sleep(seconds)
