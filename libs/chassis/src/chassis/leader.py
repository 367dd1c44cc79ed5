"""Leadership: of all replicas one does a piece of work, the one whose connection holds an advisory lock."""

import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import DictRow, dict_row

from chassis.postgres import Database
from chassis.stopping import Stop

# First half of the two-part advisory lock keys by which replicas agree who leads.
LEADER_LOCKS = 0x6C656164
RETRY_SECONDS = 1.0
REPLY_SECONDS = 10.0
RV = TypeVar("RV")


class BoundedConnection(psycopg.AsyncConnection[DictRow]):
    """An asynchronous connection that waits 10 s at most for a reply."""

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        return await super().wait(gen, interval, REPLY_SECONDS if timeout is None else timeout)


@asynccontextmanager
async def leading(database: Database[Any], work: str, stop: Stop) -> AsyncIterator[BoundedConnection]:
    """Wait until this process leads in `work`, then give the connection that proves it.

    After a stop the connection is given although nobody leads: look at the stop before each round. Whoever
    loses the connection does not lead any more: use it in each round of the work, and let its errors end the
    work. Raises psycopg.OperationalError.
    """
    key = (LEADER_LOCKS, zlib.crc32(work.encode()) - 2**31)
    conn = await BoundedConnection.connect(database.conninfo, autocommit=True, row_factory=dict_row)
    try:
        # Asking again and again, not waiting in the database: a waiting statement would hold back its vacuum.
        while not stop.asked and not await _try_lock(conn, key):
            await stop.pause(RETRY_SECONDS)
        yield conn
    finally:
        await conn.close()


async def _try_lock(conn: BoundedConnection, key: tuple[int, int]) -> bool:
    cursor = await conn.execute("SELECT pg_try_advisory_lock(%s, %s) AS leads", key)
    row = await cursor.fetchone()
    return row is not None and row["leads"]
