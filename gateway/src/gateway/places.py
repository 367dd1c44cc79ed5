"""Places of streams in this process: so many for each who follows something, so that nobody takes those of all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from chassis.errors import TooManyRequests

_RETRY_SECONDS = 5


class TooManyStreams(TooManyRequests):
    code = "too_many_streams"
    title = "There are as many streams open as one user may have"


class Places:
    """Who has how many of their `each` places; its length is the number of those who have any."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._taken: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._taken)

    @contextmanager
    def one_of(self, holder: str) -> Iterator[None]:
        """Hold one of someone's places for the time of the block. Raises TooManyStreams."""
        if self._taken[holder] >= self._each:
            raise TooManyStreams(retry_after_seconds=_RETRY_SECONDS)
        self._taken[holder] += 1
        try:
            yield
        finally:
            self._taken[holder] -= 1
            if not self._taken[holder]:
                del self._taken[holder]
