"""What a connection does in a greenlet while it waits for PostgreSQL.

Argument: database URL. Exits with 0 if others went on, every answer came whole, and no wait was without a bound.
"""

# ruff: noqa: E402 - gevent patches before anything else is imported
from gevent import monkey

monkey.patch_all()

import sys

import gevent
import psycopg

from chassis.pool import BoundedConnection, Outage

LARGE = 8 * 2**20  # more than a socket takes at once


def connect(reply_timeout_seconds: float) -> BoundedConnection:
    return BoundedConnection.connect(
        sys.argv[1], autocommit=True, reply_timeout_seconds=reply_timeout_seconds, outage=Outage()
    )


def refused(conn: BoundedConnection) -> bool:
    try:
        conn.execute("SELECT pg_sleep(20)")
    except psycopg.OperationalError:
        return conn.closed
    return False


conn = connect(10)
asleep = gevent.spawn(conn.execute, "SELECT pg_sleep(0.3)")
others = 0
while not asleep.dead:
    gevent.sleep(0.01)
    others += 1
assert others > 5, f"one waited and the others had {others} turns"

assert len(conn.execute("SELECT %s::text", ("x" * LARGE,)).fetchone()[0]) == LARGE
with conn.pipeline():
    answers = [conn.execute("SELECT %s::text", (str(n) * 2**16,)) for n in range(200)]
assert [len(each.fetchone()[0]) // 2**16 for each in answers] == [len(str(n)) for n in range(200)]

with gevent.Timeout(10):
    assert refused(connect(0.2)), "who is not answered in time goes on"
    waiting = gevent.spawn(refused, conn)
    gevent.sleep(0.1)
    conn.close()
    assert waiting.get(), "who waits on a connection that another closes goes on"
