"""The operator's way to a service's outbox: look at it, and have events published again.

`python -m chassis.outbox_admin SERVICE list | redrive [POSITION ...] | republish --since TIME [--until TIME]`
works on the database of <SERVICE>_DB_URL. The service's relay does the publishing, within a second.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chassis.clock import utc_now
from chassis.postgres import Database
from chassis.settings import ServiceSettings, load_or_exit

ALWAYS, FOR_EVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
LISTED = 50
ROWS_AT_ONCE = 5000
ROW = "  {position:>9}  {created_at:%Y-%m-%d %H:%M:%S}Z  {state:<8}  {tries:>5}  {aggregate_id}  {type}"
HEADING = f"  {'position':>9}  {'created':<20}  {'state':<8}  {'tries':>5}  {'aggregate':<36}  type"


def state(database: Database[Any]) -> dict[str, Any]:
    """Return how many events wait, are parked, and are kept after being published, and since when."""
    with database.read() as one:
        return one.conn.execute(
            """
            SELECT count(*) FILTER (WHERE published_at IS NULL AND parked_at IS NULL) AS waiting,
                   count(*) FILTER (WHERE published_at IS NULL AND parked_at IS NOT NULL) AS parked,
                   count(*) FILTER (WHERE published_at IS NOT NULL) AS published,
                   min(created_at) AS since
            FROM outbox
            """
        ).fetchone()  # type: ignore[return-value]


def unpublished(database: Database[Any]) -> list[dict[str, Any]]:
    """Return the first 50 events that are not published: parked ones first, then those that wait."""
    with database.read() as one:
        return one.conn.execute(
            """
            SELECT position,
                   created_at,
                   CASE
                       WHEN parked_at IS NOT NULL THEN 'parked'
                       WHEN retry_at > now() THEN 'retrying'
                       ELSE 'waiting'
                   END AS state,
                   tries,
                   aggregate_id,
                   type
            FROM outbox
            WHERE published_at IS NULL
            ORDER BY parked_at IS NULL, position
            LIMIT %s
            """,
            (LISTED,),
        ).fetchall()


def redrive(database: Database[Any], positions: Sequence[int] = ()) -> int:
    """Let the relay try parked events again, all or those at some positions; return how many. Later events of
    the same aggregate may have gone before them."""
    with database.transaction() as tx:
        return tx.conn.execute(
            """
            UPDATE outbox
            SET tries = 0,
                retry_at = NULL,
                parked_at = NULL
            WHERE published_at IS NULL
              AND parked_at IS NOT NULL
              AND (%(all)s OR position = ANY(%(positions)s))
            """,
            {"all": not positions, "positions": list(positions)},
        ).rowcount


def republish(database: Database[Any], since: datetime = ALWAYS, until: datetime = FOR_EVER) -> int:
    """Let the relay publish once more what was made in a range of time and is still kept; return how many
    events. In short transactions and in order of position, so that each aggregate's order stays."""
    last, count, full = 0, 0, True
    while full:
        with database.transaction() as tx:
            positions = [
                row["position"]
                for row in tx.conn.execute(
                    """
                    SELECT position
                    FROM outbox
                    WHERE published_at IS NOT NULL
                      AND created_at >= %(since)s
                      AND created_at < %(until)s
                      AND position > %(last)s
                    ORDER BY position
                    LIMIT %(limit)s
                    """,
                    {"since": since, "until": until, "last": last, "limit": ROWS_AT_ONCE},
                )
            ]
            tx.conn.execute("UPDATE outbox SET published_at = NULL WHERE position = ANY(%s)", (positions,))
        count += len(positions)
        full = len(positions) == ROWS_AT_ONCE
        last = positions[-1] if positions else last
    return count


def moment(text: str) -> datetime:
    """Read a time with its zone, such as 2026-11-20T08:00Z. Raises ValueError."""
    told = datetime.fromisoformat(text)
    if told.tzinfo is None:
        raise ValueError("a time needs its zone, such as Z")
    return told


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="chassis.outbox_admin", description="Look after a service's outbox."
    )
    parser.add_argument("service")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="what is not published yet")
    again = actions.add_parser("redrive", help="try parked events again: all, or those at some positions")
    again.add_argument("position", nargs="*", type=int)
    once_more = actions.add_parser("republish", help="publish a range of time once more")
    once_more.add_argument(
        "--since", required=True, type=moment, help="first moment, such as 2026-11-20T08:00Z"
    )
    once_more.add_argument(
        "--until", type=moment, default=utc_now(), help="moment behind the last; default: now"
    )
    told = parser.parse_args()
    database = Database(load_or_exit(ServiceSettings, f"{told.service.upper()}_"))
    try:
        if told.action == "list":
            show(told.service, database)
        elif told.action == "redrive":
            _say(f"{told.service}: {redrive(database, told.position)} parked events are tried again")
        else:
            _say(f"{told.service}: {republish(database, told.since, told.until)} events are published again")
    finally:
        database.close()


def show(service: str, database: Database[Any]) -> None:
    """Print the state of the outbox, and what is not published."""
    told = state(database)
    kept = f"{told['published']} published are kept" + (
        f" since {told['since']:%Y-%m-%d %H:%M:%S}Z" if told["since"] else ""
    )
    _say(f"{service}: {told['waiting']} waiting, {told['parked']} parked, {kept}")
    rows = unpublished(database)
    for line in [HEADING, *(ROW.format(**row) for row in rows)] if rows else []:
        _say(line)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command's answer


if __name__ == "__main__":
    main()
