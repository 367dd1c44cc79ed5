"""Waiting in tests: polling with a deadline instead of sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar

V = TypeVar("V")


def until(condition: Callable[[], V], timeout_seconds: float = 10, failing: Callable[[], str] = str) -> V:
    """Poll a condition every few milliseconds until it is true, and return its value. Raises AssertionError
    with what `failing` says when the time is up."""
    give_up_at = time.monotonic() + timeout_seconds
    pause = 0.001
    while not (value := condition()):
        if time.monotonic() > give_up_at:
            raise AssertionError(f"not within {timeout_seconds} s: {condition} {failing()}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return value
