"""What the relay's claim costs when much waits: it is planned with whatever statistics there are."""

import psycopg

from chassis.outbox import BATCH, CLAIM

WAITING = 5000
PAGES_FOR_A_BATCH = 2000
FILL = """
    INSERT INTO outbox (id, type, aggregate_id, version, data, request_id, traceparent, published_at)
    SELECT gen_random_uuid(), 'box.moved', gen_random_uuid(), 1, '{}', 'request-1', '', %s
    FROM generate_series(1, %s)
"""


def test_a_claim_reads_few_pages_though_the_statistics_say_that_nothing_waits(urls):
    with psycopg.connect(urls.owner) as connection:
        connection.execute(FILL, ("2026-01-01T00:00Z", WAITING))
        connection.execute("ANALYZE outbox")
        connection.execute(FILL, (None, WAITING))
        row = connection.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + CLAIM, (BATCH,)).fetchone()
    assert row is not None
    (told,) = row[0]
    assert told["Plan"]["Actual Rows"] == BATCH
    assert told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"] < PAGES_FOR_A_BATCH
