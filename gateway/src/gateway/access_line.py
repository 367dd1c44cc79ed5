"""The text of an access line: JSON in the form of the services', put together from parts that are ready before the
request ends, which takes a quarter of the time of a dictionary and an encoder."""

import time
from functools import lru_cache

import orjson

from chassis.errors import ServiceError

_LONGEST_REASON = 300  # characters; even if JSON escapes each of them, a line is short enough for a pipe


class Clock:
    """The time of day as text; of one second it is made once."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def text(self, now: float) -> str:
        """Return a time in Unix seconds in the form of RFC 3339, in UTC, to the microsecond."""
        second = int(now)
        if second != self._second:
            self._second, self._text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._text}.{int((now - second) * 1_000_000):06}Z"


def opening_of(release: str) -> str:
    """Return what all lines of a release have behind their level."""
    return f'","service":"gateway","release":{_quoted(release)},"logger":"access","message":"request","request_id":"'


@lru_cache(1024)
def quoted_route(template: str) -> str:
    """Return the template of a route as JSON."""
    return _quoted(template)


def reason(problem: ServiceError) -> str:
    """Return the members of a line that tell what went wrong, each with a comma before it."""
    told = {"code": problem.code, "detail": problem.detail[:_LONGEST_REASON]}
    if problem.__cause__ is not None:
        told["cause"] = repr(problem.__cause__)[:_LONGEST_REASON]
    return "," + orjson.dumps(told).decode()[1:-1]


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()
