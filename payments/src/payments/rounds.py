"""Rounds: what a worker does again and again, with everything that is due, or with the books."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from payments.metrics import show_kinds, tell
from payments.service import Reconciliation
from payments.service.ports import ProviderUnavailable

logger = logging.getLogger(__name__)

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


def comparisons(reconciliation: Reconciliation) -> Callable[[], None]:
    """Return what compares the books and measures what was found; without the provider's answer, the next time."""
    show_kinds()

    def compare() -> None:
        try:
            tell(reconciliation.compare_recent())
        except ProviderUnavailable as failure:
            logger.warning("books not compared", extra={"cause": str(failure)})

    return compare
