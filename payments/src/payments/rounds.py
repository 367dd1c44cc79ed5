"""Rounds: what a worker does with everything that is due, several pieces at a time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

# Then the worker looks whether it is to stop.
MOST_A_ROUND = 25


def rounds(work_next: Callable[[], bool], at_once: int) -> Callable[[], None]:
    """Return what calls `work_next` in `at_once` threads, each until it returns False or has done its part."""

    def work() -> None:
        with ThreadPoolExecutor(at_once) as threads:
            for each in [threads.submit(_part) for _ in range(at_once)]:
                each.result()

    def _part() -> None:
        for _ in range(MOST_A_ROUND):
            if not work_next():
                return

    return work
