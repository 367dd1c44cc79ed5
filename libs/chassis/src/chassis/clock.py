"""The clock as a collaborator: code that needs the time takes a `Clock`, tests pass another."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present as an aware UTC datetime."""
    return datetime.now(UTC)
