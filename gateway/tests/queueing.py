"""A service that works on so many requests at a time, played through without waiting, before a Limit."""

import heapq
import random

from gateway.upstream.limit import Limit


class Play:
    """`arrivals` are the times of requests, `seconds_of(now, chance)` is how long one takes to be worked on."""

    def __init__(self, arrivals, *, capacity, seconds_of, most=128, seed=1):
        self.now = 0.0
        self.limit = Limit(most, monotonic=lambda: self.now)
        self.served, self.shed = [], []  # (began, seconds), and times
        self._chance = random.Random(seed)
        self._seconds_of = seconds_of
        self._events = [(time, number, None) for number, time in enumerate(arrivals)]
        self._count = len(self._events)
        self._waiting, self._free, self._in_flight = [], capacity, 0
        heapq.heapify(self._events)
        while self._events:
            self.now, _, began = heapq.heappop(self._events)
            if began is None:
                self._arrive()
            else:
                self._end(began)

    def _arrive(self):
        if self._in_flight >= self.limit.allowed:
            self.shed.append(self.now)
            self.limit.refused()
            return
        self._in_flight += 1
        self._waiting.append(self.now)
        self._work()

    def _end(self, began):
        self._free += 1
        self._in_flight -= 1
        self.served.append((began, self.now - began))
        self.limit.observe("route", began, self.now)
        if not self._in_flight:
            self.limit.reset()
        self._work()

    def _work(self):
        while self._free and self._waiting:
            self._free -= 1
            self._count += 1
            began = self._waiting.pop(0)
            end = self.now + self._seconds_of(self.now, self._chance)
            heapq.heappush(self._events, (end, self._count, began))

    def p99(self, since=0.0):
        times = sorted(seconds for began, seconds in self.served if began >= since)
        return times[int(len(times) * 0.99)]


def arriving(*phases, seed=1):
    """Return random arrivals; each phase is (requests a second, until)."""
    chance, now, times = random.Random(seed), 0.0, []
    for rate, until in phases:
        while now < until:
            times.append(now)
            now += chance.expovariate(rate)
    return times
