"""Places of streams in this process: so many for each who follows something, so that nobody takes those of all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chassis.errors import TooManyRequests
from gateway.rates import network_of

_RETRY_SECONDS = 5


class TooManyStreams(TooManyRequests):
    code = "too_many_streams"
    title = "There are as many streams open as one user or address may have"


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


@dataclass(frozen=True)
class StreamPlaces:
    """The places of streams, by user and by address: accounts cost nothing, so one user's bound binds nobody."""

    of_users: Places
    of_addresses: Places

    @contextmanager
    def one_of(self, user_id: str | None, peer: str) -> Iterator[None]:
        """Hold a place of each for the time of the block; `user_id` is None where nobody is signed in. Raises
        TooManyStreams."""
        address = network_of(peer)
        with self.of_addresses.one_of(address), self.of_users.one_of(user_id or address):
            yield
