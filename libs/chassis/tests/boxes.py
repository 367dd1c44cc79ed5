"""The database side of a small service: boxes, each moved by numbered steps that are told as events."""

import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from chassis.events import Event
from chassis.postgres import Database, Transaction
from chassis.settings import Secret

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class BoxSettings:
    """The settings of a service that this half of the chassis reads."""

    db_url: Secret
    db_pool_min_size: int = 1
    db_pool_max_size: int = 10
    db_pool_timeout_seconds: float = 2.0
    db_statement_timeout_seconds: float = 5.0
    db_connect_timeout_seconds: int = 3


class BoxTransaction(Transaction):
    def move(self, box: uuid.UUID) -> int:
        """Move a box one step on and tell it; the box's row is the lock that keeps its events in order."""
        moved = self.conn.execute(
            """
            INSERT INTO boxes (id, step)
            VALUES (%(id)s, 1)
            ON CONFLICT (id) DO UPDATE SET step = boxes.step + 1
            RETURNING step
            """,
            {"id": box},
        ).fetchone()
        self.emit(Event("box.moved", box, moved["step"], {"box": box, "step": moved["step"]}))
        return moved["step"]

    def steps(self, box: uuid.UUID) -> int:
        row = self.conn.execute("SELECT step FROM boxes WHERE id = %s", (box,)).fetchone()
        return row["step"] if row else 0

    def note(self, event_id: uuid.UUID, box: uuid.UUID, step: int) -> None:
        self.conn.execute(
            "INSERT INTO notes (event_id, box, step) VALUES (%s, %s, %s)", (event_id, box, step)
        )

    def notes(self, box: uuid.UUID | None = None) -> list[int]:
        """The steps noted, of one box or all, in the order in which they were."""
        rows = self.conn.execute(
            "SELECT step FROM notes WHERE %(box)s::uuid IS NULL OR box = %(box)s ORDER BY position",
            {"box": box},
        )
        return [row["step"] for row in rows]


Boxes = Database[BoxTransaction]


def open_boxes(url: str, **changed: object) -> Boxes:
    return Database(BoxSettings(Secret(url), **changed), BoxTransaction)


def waiting(boxes: Boxes) -> int:
    """How many events are not published."""
    with boxes.read() as tx:
        row = tx.conn.execute("SELECT count(*) AS n FROM outbox WHERE published_at IS NULL").fetchone()
    return row["n"]


def as_superuser(url: str) -> AbstractContextManager[psycopg.Connection]:
    """A superuser's connection to the database of `url`."""
    return psycopg.connect(url, user="postgres", autocommit=True)


def empty(owner_url: str) -> None:
    """Empty all tables, for the next test; whatever process a former one left is made to end first."""
    with as_superuser(owner_url) as conn:
        end_sessions(conn)
        conn.execute("TRUNCATE outbox, inbox, idempotency_keys, boxes, notes RESTART IDENTITY")


def end_sessions(conn: psycopg.Connection) -> None:
    """End all other sessions of a superuser's database."""
    conn.execute(
        """
        SELECT pg_terminate_backend(pid)
        FROM pg_stat_activity
        WHERE datname = current_database()
          AND pid <> pg_backend_pid()
        """
    )
