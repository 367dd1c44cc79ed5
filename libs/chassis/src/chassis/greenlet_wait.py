"""Waiting for PostgreSQL in a greenlet, as psycopg does under gevent, for half of the price.

psycopg's own way there is gevent's poll(): for each wait a poll object, a watcher and an event, and for each
statement of a pipeline one turn of the loop, only to hear that the socket can be written to, as it nearly
always can.
"""

import select
import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import psycopg
from gevent import Timeout, get_hub, monkey, socket
from psycopg.abc import PQGen
from psycopg.pq import PGconn
from psycopg.waiting import READY_NONE, READY_R, READY_W, WAIT_R, WAIT_W

RV = TypeVar("RV")
# How often a wait looks whether somebody else has closed its connection.
LOOK_SECONDS = 1.0
_READ = 1


class ReplyTimeout(psycopg.OperationalError):
    """The server has not answered in time."""


class GreenletWait:
    """The waits of one connection, with one watcher for them all."""

    def __init__(self, pgconn: PGconn) -> None:
        self._pgconn = pgconn
        self._hub = get_hub()
        self._reply = self._hub.loop.io(pgconn.socket, _READ)

    def __call__(self, gen: PQGen[RV], timeout_seconds: float) -> RV:
        """Run one of psycopg's generators to its end, letting other greenlets run while it waits. Raises
        ReplyTimeout after so many seconds, psycopg.OperationalError when the connection is closed meanwhile."""
        until = time.monotonic() + timeout_seconds
        try:
            state = next(gen)
            while True:
                ready = self._ready(state, until)
                if ready == READY_NONE and time.monotonic() >= until:
                    raise ReplyTimeout("the server has not answered in time")
                state = gen.send(ready)
        except StopIteration as end:
            result: RV = end.value
            return result

    def _ready(self, state: int, until: float) -> int:
        fileno = self._pgconn.socket  # raises once the connection is closed
        if state & WAIT_W and (ready := _ready_now(fileno, state)):
            return ready
        with Timeout(max(0.0, min(LOOK_SECONDS, until - time.monotonic())), False):
            if state == WAIT_R and get_hub() is self._hub:
                self._hub.wait(self._reply)
                return READY_R
            socket.wait_readwrite(fileno) if state & WAIT_W else socket.wait_read(fileno)
            return _ready_now(fileno, state)
        return READY_NONE


def _ready_now(fileno: int, state: int) -> int:
    poll = _kernels_poll()()
    wanted = (select.POLLIN if state & WAIT_R else 0) | (select.POLLOUT if state & WAIT_W else 0)
    poll.register(fileno, wanted)
    ready = READY_NONE
    for _, event in poll.poll(0):
        ready |= READY_W if event & select.POLLOUT else READY_NONE
        ready |= READY_R if event & ~select.POLLOUT else READY_NONE  # the end of a connection is read, too
    return ready


@cache
def _kernels_poll() -> Callable[[], Any]:
    """The poll() of before gevent, which asks the kernel and waits for nobody."""
    original: Callable[[], Any] = monkey.get_original("select", "poll")
    return original
