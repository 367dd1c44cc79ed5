"""What may be kept of an answer, and for how long (RFC 9111, sections 3 and 4.2; RFC 5861)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from gateway.cache.directives import Unreadable, read, seconds, whole_seconds

Fields = Sequence[tuple[bytes, bytes]]

_OK, _ABSENT = 200, (404, 410)
_FORBIDDING = ("no-store", "private")
_VALIDATE_ALWAYS = "no-cache"
# Each of these forbids a shared cache to give out what is stale, whatever else is said.
_NEVER_STALE = ("must-revalidate", "proxy-revalidate", "s-maxage", _VALIDATE_ALWAYS)
_BY_US = b"accept-encoding"  # never asked for by us: compression is our own step


@dataclass(frozen=True, slots=True)
class Terms:
    """How an answer may be kept: seconds it is fresh, seconds it serves on when stale, and the request headers it
    depends on."""

    lifetime: float
    while_revalidate: float
    if_error: float
    varies_by: tuple[bytes, ...]


def terms(status: int, fields: Fields, forwarded: Collection[bytes], now: float) -> Terms | None:
    """Return the terms of an answer to a GET; None: it may not be kept. `forwarded` are the request headers its
    service gets to see, `now` is in Unix seconds."""
    if status != _OK and status not in _ABSENT:
        return None
    try:
        directives = read(values(fields, b"cache-control"))
    except Unreadable:
        return None
    if any(name in directives for name in _FORBIDDING) or values(fields, b"set-cookie"):
        return None
    varies_by = _varies_by(fields, forwarded)
    lifetime = _lifetime(fields, directives, now)
    if varies_by is None or lifetime is None:
        return None
    if _VALIDATE_ALWAYS in directives:
        lifetime = 0
    if lifetime == 0 and (status != _OK or not values(fields, b"etag")):
        return None  # there would be no way to use it again
    patient = not any(name in directives for name in _NEVER_STALE)
    return Terms(
        lifetime=lifetime,
        while_revalidate=(seconds(directives, "stale-while-revalidate") or 0) if patient else 0,
        if_error=(seconds(directives, "stale-if-error") or 0) if patient else 0,
        varies_by=varies_by,
    )


def age(fields: Fields, delay: float, now: float) -> float:
    """Return how old an answer was, in seconds, when it came (RFC 9111, section 4.2.3): `delay` seconds after it was
    asked for, at `now` in Unix seconds."""
    told = values(fields, b"age")
    elsewhere = whole_seconds(told[0].decode("latin-1").strip()) if told else 0
    made_at = _time(values(fields, b"date"))
    return max(elsewhere + delay, now - made_at if made_at is not None else 0)


def values(fields: Fields, name: bytes) -> list[bytes]:
    """Return the values of all lines of a field."""
    return [value for each, value in fields if each == name]


def _lifetime(fields: Fields, directives: dict[str, str], now: float) -> float | None:
    for name in ("s-maxage", "max-age"):
        told = seconds(directives, name)
        if told is not None:
            return told
    expires = values(fields, b"expires")
    if not expires:
        # No guesses: without a word about time only what says that it must be validated is kept.
        return 0 if _VALIDATE_ALWAYS in directives else None
    at, made_at = _time(expires), _time(values(fields, b"date"))
    if at is None:
        return 0
    return max(0, at - (made_at if made_at is not None else now))


def _varies_by(fields: Fields, forwarded: Collection[bytes]) -> tuple[bytes, ...] | None:
    names = {
        name.strip(b" \t").lower() for value in values(fields, b"vary") for name in value.split(b",")
    } - {b"", _BY_US}
    return tuple(sorted(names)) if names <= set(forwarded) else None


def _time(dates: list[bytes]) -> float | None:
    """Return the one date in Unix seconds; None where there is none, or more than one, or it cannot be read."""
    if len(dates) != 1:
        return None
    try:
        moment = parsedate_to_datetime(dates[0].decode("latin-1"))
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
