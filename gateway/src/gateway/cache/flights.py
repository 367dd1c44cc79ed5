"""Requests that are on their way to a service: who wants the same meanwhile waits for the answer of the first."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from gevent.event import Event

from chassis.errors import DeadlineExceeded, ServiceError
from gateway.cache.entry import Entry
from gateway.cache.store import path_of


class Flight:
    """One request to a service. It ends with an `entry` that others may have; with an `error` that is the service's and
    so everybody's; with `look_again` when they may find what they want, or have to try themselves; with none of these
    when its answer was for the first one only."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.asked_at = time.monotonic()
        self.entry: Entry | None = None
        self.error: ServiceError | None = None
        self.look_again = False
        self.outdated = False  # what it brings may be from before a change
        self._landed = Event()

    def land(self) -> None:
        """Let those who wait go on."""
        self._landed.set()

    def wait(self, until: float) -> None:
        """Wait for its end. Raises DeadlineExceeded at `until` (monotonic seconds)."""
        if not self._landed.wait(max(0.0, until - time.monotonic())):
            raise DeadlineExceeded("Another request for the same was not answered in time.")


class Flights:
    """At most one flight for each key."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, Flight] = {}
        self.to = self._by_key.get

    @contextmanager
    def begin(self, key: bytes) -> Iterator[Flight]:
        """Hold the flight for a key during the block, which should let it land earlier; what is raised is its end."""
        flight = self._by_key[key] = Flight(key)
        try:
            yield flight
        except ServiceError as error:
            flight.error = error
            raise
        except BaseException:
            flight.look_again = True
            raise
        finally:
            self.land(flight)

    def land(self, flight: Flight) -> None:
        """End a flight: who comes from now on begins another."""
        if self._by_key.get(flight.key) is flight:
            del self._by_key[flight.key]
        flight.land()

    def outdate(self, path: bytes) -> None:
        """Have nobody else join the flights to a path, and nothing kept of what they bring."""
        for flight in [each for each in self._by_key.values() if path_of(each.key) == path]:
            flight.outdated = True
            del self._by_key[flight.key]
