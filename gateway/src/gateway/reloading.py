"""The routes of all processes: read at start, and again when the process above is told to, which tells those below."""

import logging
import mmap
from collections.abc import Callable

from gateway.route_file import RoutesError
from gateway.routes import Routes

_log = logging.getLogger(__name__)
_NUMBER_BYTES = 8


class CurrentRoutes:
    """`routes` are those of the newest file that could be used. A process that is forked has what the one above it had,
    and learns from a number both see that there is a newer one: a signal could come before it listens to any."""

    def __init__(self, read: Callable[[], Routes]) -> None:
        self.routes = read()
        self._read = read
        self._number = mmap.mmap(-1, _NUMBER_BYTES)
        self._seen = 0

    def reload(self) -> None:
        """Read the file again in the process above; those below are told only of one that can be used."""
        if self._take():
            self._seen += 1
            self._number[:] = self._seen.to_bytes(_NUMBER_BYTES, "little")

    def follow(self) -> bool:
        """Read the file again if that has happened in the process above; tell whether there are new routes."""
        told = int.from_bytes(self._number, "little")
        if told == self._seen:
            return False
        self._seen = told
        return self._take()

    def _take(self) -> bool:
        try:
            self.routes = self._read()
        except RoutesError as wrong:
            tell(wrong)
            return False
        _log.info("route file read again: %d routes", len(self.routes.all))
        return True


def tell(refusal: RoutesError) -> None:
    """Log why a route file cannot be used."""
    for line in refusal.lines:
        _log.error("route file refused: %s", line)
