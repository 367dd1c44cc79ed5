"""A process's sign of life in its database: one dedicated connection that holds an advisory lock."""

import os
import secrets
import threading

import psycopg

from chassis.pool import BoundedConnection, Outage, is_connected

# First half of the two-part advisory lock keys by which processes show that they live.
PRESENCE_LOCKS = 0x50726573
REPLY_TIMEOUT_SECONDS = 5.0


class Presence:
    """The number under which this process can be seen alive, as long as its connection is.

    Opened at first use in each process, and again, under a new number, when its connection was lost: what was
    claimed under the old number is then free, although this process still runs.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._lock = threading.Lock()
        self._conn: psycopg.Connection | None = None
        self._number = 0
        self._pid = 0

    def number(self) -> int:
        """Return the number whose lock this process holds now. Raises psycopg.OperationalError without a
        database."""
        with self._lock:
            if self._pid != os.getpid() or not self._still_connected():
                self._connect()
            return self._number

    def close(self) -> None:
        """Give up the number: what was claimed under it is free."""
        with self._lock:
            if self._conn is not None and self._pid == os.getpid():
                self._conn.close()
            self._conn = None

    def _connect(self) -> None:
        conn = BoundedConnection.connect(
            self._conninfo, autocommit=True, reply_timeout_seconds=REPLY_TIMEOUT_SECONDS, outage=Outage()
        )
        number = secrets.randbelow(2**31)
        conn.execute("SELECT pg_advisory_lock(%s, %s)", (PRESENCE_LOCKS, number))
        self._conn, self._number, self._pid = conn, number, os.getpid()

    def _still_connected(self) -> bool:
        return self._conn is not None and is_connected(self._conn)
