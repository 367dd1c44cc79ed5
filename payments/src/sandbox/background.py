"""Background work: a step that is repeated whenever the ledger changed or its time has come."""

import logging
import sqlite3
import threading
from collections.abc import Callable

from sandbox.ledger import Ledger

POLL_SECONDS = 1.0  # another process may write to the ledger too, and nobody is woken by that

log = logging.getLogger("sandbox.background")


class Background(threading.Thread):
    """One thread that runs `step`, which returns the seconds until it wants to be run again."""

    def __init__(self, name: str, ledger: Ledger, step: Callable[[], float]) -> None:
        super().__init__(name=name, daemon=True)
        self._ledger = ledger
        self._step = step

    def run(self) -> None:
        while True:
            seen = self._ledger.changes
            self._ledger.wait_for_change(seen, min(self._attempt(), POLL_SECONDS))

    def check(self) -> None:
        """Raise unless the thread is at work."""
        if not self.is_alive():
            raise RuntimeError(f"{self.name} has stopped")

    def _attempt(self) -> float:
        try:
            return self._step()
        except sqlite3.Error:
            log.exception("the ledger failed", extra={"background": self.name})
            return POLL_SECONDS
