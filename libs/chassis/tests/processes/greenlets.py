"""Greenlets that send one request with one key each, twice, as under gunicorn's gevent worker.

Argument: database URL. Exits with 0 if each key had one effect.
"""

# ruff: noqa: E402 - gevent patches before anything else is imported
from gevent import monkey

monkey.patch_all()

import sys
import uuid
from pathlib import Path

import gevent

sys.path.insert(0, str(Path(__file__).parent.parent))
import boxes

from chassis.idempotency import Once, Replay, RequestInProgress

database = boxes.open_boxes(sys.argv[1], db_pool_max_size=4)
some = [uuid.uuid4() for _ in range(50)]


def place(box: uuid.UUID) -> str:
    once = Once(caller="ada", route="r", key=str(box), fingerprint=b"", present=lambda result: (201, b"box"))
    try:
        with database.transaction() as tx:
            once.begin(tx)
            tx.move(box)
            tx.conn.execute("SELECT pg_sleep(0.005)")
            once.end(tx, None)
    except (Replay, RequestInProgress):
        return "not again"
    return "placed"


told = gevent.joinall([gevent.spawn(place, box) for box in some * 2], raise_error=True)
assert sorted(greenlet.value for greenlet in told) == ["not again"] * 50 + ["placed"] * 50
with database.read() as tx:
    assert [tx.steps(box) for box in some] == [1] * 50
database.close()
