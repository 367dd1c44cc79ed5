"""A strict client with a connection that is kept: what was sent has to be answered, whatever happens to the server.

A connection may end between two requests only: announced with the answer before (`Connection: close`), or seen to have
ended before anything was sent on it. Anything else is a failure, also where a browser would quietly ask again.
"""

import http.client
import select
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 70


class Unanswered(Exception):
    """A request got no answer, or no connection."""


@dataclass(frozen=True)
class Answer:
    """What a request was answered, and when it was sent."""

    status: int
    text: str
    at: float
    seconds: float


class Tally:
    """What all clients together saw; one for all threads."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.slowest_seconds = 0.0

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def count(self, *names: str) -> None:
        with self._turn:
            self._counts.update(names)

    def answered(self, seconds: float, *names: str) -> None:
        with self._turn:
            self._counts.update(names)
            self.slowest_seconds = max(self.slowest_seconds, seconds)

    def failed(self, what: str) -> None:
        with self._turn:
            self._counts["failed"] += 1
            self.failures.append(f"{time.strftime('%H:%M:%S')} {what}")

    def row(self, seconds: float) -> dict[str, str]:
        """Return the row of a table, by the names of its columns."""
        return {
            "requests": f"{self['requests']:,}",
            "of them POST": f"{self['POST']:,}",
            "failed": str(self["failed"]),
            "a second": f"{self['requests'] / seconds:.0f}",
            "slowest": f"{self.slowest_seconds:.2f} s",
            "connections": f"{self['connections']:,}",
            "end announced": f"{self['announced']:,}",
            "ended idle": f"{self['ended idle']:,}",
        }


class Client:
    """One client, with one connection at a time to http://host:port."""

    def __init__(self, url: str, tally: Tally) -> None:
        self._place = urlsplit(url)
        self._tally = tally
        self._connection: http.client.HTTPConnection | None = None

    def ask(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request, once. Raises Unanswered."""
        at, began = time.time(), time.monotonic()
        try:
            connection = self._connected()
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as lost:
            self.leave()
            raise Unanswered(f"{lost!r} after {time.monotonic() - began:.3f} s") from lost
        if answer.will_close:
            self._tally.count("announced")
            self.leave()
        return Answer(answer.status, text, at, time.monotonic() - began)

    @property
    def has_ended(self) -> bool:
        """Whether the server has ended the connection, on which nothing is asked."""
        if self._connection is None:
            return False
        return self._connection.sock is None or bool(select.select([self._connection.sock], [], [], 0)[0])

    def leave(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> http.client.HTTPConnection:
        if self.has_ended:
            self._tally.count("ended idle")
            self.leave()
        if self._connection is None:
            made = http.client.HTTPConnection(
                str(self._place.hostname), self._place.port, timeout=TIMEOUT_SECONDS
            )
            made.connect()
            self._tally.count("connections")
            self._connection = made
        return self._connection
