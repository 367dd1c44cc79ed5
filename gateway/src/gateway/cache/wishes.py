"""What a client's Cache-Control asks of the cache (RFC 9111, section 5.2.1)."""

from dataclasses import dataclass

from gateway.cache.directives import Unreadable, read, seconds
from gateway.cache.entry import Entry
from gateway.cache.freshness import values
from gateway.front.request import Request

_ANY_AGE = float("inf")


@dataclass(frozen=True, slots=True)
class Wish:
    """Nothing older than so many seconds, nothing that would have to be asked for."""

    max_age: float = _ANY_AGE
    only_kept: bool = False

    @property
    def is_none(self) -> bool:
        """Tell whether any age will do."""
        return self.max_age == _ANY_AGE

    def granted_by(self, entry: Entry, now: float, arrived: float) -> bool:
        """Tell whether an entry is as new as it should be: what was asked for after the request had come always is."""
        return entry.asked_at >= arrived or 0 < self.max_age >= entry.age(now)


NO_WISH = Wish()


def wish_of(request: Request) -> Wish:
    """Return the wish in a request; what cannot be read is none. `no-store` is no more than `no-cache`: it is about a
    request that is not kept anyway."""
    lines = values(request.fields, b"cache-control")
    if not lines:
        return NO_WISH
    try:
        directives = read(lines)
    except Unreadable:
        return NO_WISH
    max_age = seconds(directives, "max-age")
    if "no-cache" in directives or "no-store" in directives:
        max_age = 0
    return Wish(_ANY_AGE if max_age is None else max_age, "only-if-cached" in directives)
