"""What of the outbox is measured: what waits and for how long, what was published, what the broker refused."""

from collections import Counter as Counts
from collections.abc import Collection

from prometheus_client import Counter, Gauge
from psycopg.rows import DictRow

from chassis.leader import BoundedConnection

_waiting = Gauge(
    "outbox_waiting_events", "Events in the outbox that are not published", multiprocess_mode="max"
)
_oldest = Gauge(
    "outbox_oldest_seconds", "Age of the oldest event that is not published", multiprocess_mode="max"
)
_parked = Gauge("outbox_parked_events", "Events that the broker refused for good", multiprocess_mode="max")
_measured = Gauge(
    "outbox_measured_timestamp_seconds",
    "When the replica that publishes looked at its outbox last",
    multiprocess_mode="max",
)
_published = Counter("outbox_published_events", "Events published", ("type",))
_refused = Counter("outbox_refused_events", "Times that the broker refused an event")


async def measure(conn: BoundedConnection) -> None:
    """Set the gauges."""
    cursor = await conn.execute(
        """
        SELECT count(*) FILTER (WHERE parked_at IS NULL) AS waiting,
               count(*) FILTER (WHERE parked_at IS NOT NULL) AS parked,
               coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE parked_at IS NULL)), 0)
                   AS oldest
        FROM outbox
        WHERE published_at IS NULL
        """
    )
    row = await cursor.fetchone()
    _waiting.set(row["waiting"])  # type: ignore[index]
    _parked.set(row["parked"])  # type: ignore[index]
    _oldest.set(float(row["oldest"]))  # type: ignore[index]
    _measured.set_to_current_time()


def forget() -> None:
    """Nothing waits as far as this replica knows: another one publishes now, and looks."""
    for gauge in (_waiting, _parked, _oldest):
        gauge.set(0)


def told(rows: Collection[DictRow], published: Collection[int], refused: Collection[int]) -> None:
    """Count what became of a batch, by the positions of its rows."""
    positions = set(published)
    for event_type, number in Counts(row["type"] for row in rows if row["position"] in positions).items():
        _published.labels(event_type).inc(number)
    if refused:
        _refused.inc(len(refused))
