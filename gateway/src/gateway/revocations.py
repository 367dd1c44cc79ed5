"""Whose access tokens end before their time, as users tells it; the last known stays while users is down."""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

import gevent
import gevent.event
import orjson
from prometheus_client import Gauge

from gateway.fetching import FetchFailed

TARGET = "/internal/revocations"
_FIRST_RETRY_SECONDS = 0.5
_MOST_PAGES = 1000  # of one reading: a feed that does not end is none
_log = logging.getLogger(__name__)
# Of several processes the one that has waited longest is shown; the label keeps the process above them out, which never
# reads.
_read_at = Gauge(
    "gateway_revocations_read_timestamp_seconds",
    "When what was revoked was last read to its end, in Unix seconds",
    ("service",),
    multiprocess_mode="livemin",
)


@dataclass(frozen=True, slots=True)
class _Page:
    expiries: dict[str, float]
    next_cursor: str
    more: bool


class Revocations:
    """Ids of users and of sessions whose tokens are refused. `fetch` returns a page of the feed at a target, or raises
    FetchFailed; each id is kept until its tokens would have expired."""

    def __init__(
        self, fetch: Callable[[str], bytes], *, refresh_seconds: float, now: Callable[[], float] = time.time
    ) -> None:
        self._fetch = fetch
        self._refresh_seconds = refresh_seconds
        self._now = now
        self._expiries: dict[str, float] = {}
        self._cursor = ""
        self._failing = False
        self._tried = gevent.event.Event()

    def __len__(self) -> int:
        return len(self._expiries)

    def have(self, *ids: str) -> bool:
        """Tell whether one of these was revoked."""
        return any(each in self._expiries for each in ids)

    def wait_for_first(self) -> None:
        """Wait until they have been read, or could not be: a process that has just begun knows of none."""
        self._tried.wait()

    def refresh(self, tell: Callable[[Collection[str]], object]) -> None:
        """Read what is new and tell of those ids; what is known stays when that fails."""
        try:
            self._read(tell)
        except FetchFailed as failure:
            if not self._failing:
                _log.warning("revocations not read, the last known stay", extra={"cause": str(failure)})
            self._failing = True
            if failure.refused:
                self._cursor = ""  # it may be the cursor that is not understood
            return
        finally:
            self._tried.set()
        if self._failing:
            _log.info("revocations are read again")
        self._failing = False
        _read_at.labels("users").set(self._now())

    def keep_fresh(self, tell: Callable[[Collection[str]], object]) -> NoReturn:
        """Read for ever and tell of what is new: when that fails soon again, then ever less soon. The greenlet of it
        runs beside the requests."""
        _read_at.labels("users").set(0)
        pause = _FIRST_RETRY_SECONDS
        while True:
            self.refresh(tell)
            gevent.sleep(pause if self._failing else self._refresh_seconds)
            pause = min(pause * 2, self._refresh_seconds) if self._failing else _FIRST_RETRY_SECONDS

    def _read(self, tell: Callable[[Collection[str]], object]) -> None:
        now = self._now()
        for id_ in [id_ for id_, expiry in self._expiries.items() if expiry <= now]:
            del self._expiries[id_]
        for _ in range(_MOST_PAGES):
            page = _page(self._fetch(f"{TARGET}?since={self._cursor}" if self._cursor else TARGET))
            new = page.expiries.keys() - self._expiries.keys()
            self._expiries |= page.expiries
            self._cursor = page.next_cursor
            if new:
                tell(new)
            if not page.more:
                return
        raise FetchFailed("the revocations have no end")


def _page(body: bytes) -> _Page:
    try:
        document = orjson.loads(body)
        expiries = {
            str(each["id"]): datetime.fromisoformat(each["expires_at"]).timestamp()
            for each in document["data"]
        }
        return _Page(expiries, str(document["next_cursor"]), bool(document["more"]))
    except (ValueError, KeyError, TypeError) as wrong:
        raise FetchFailed(f"the answer holds no revocations: {wrong!r}") from wrong
