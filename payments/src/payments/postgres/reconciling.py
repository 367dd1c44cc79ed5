"""PostgreSQL: the statements that read the books, to compare them with the provider's."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.postgres import Transaction
from payments.domain import Entry, Refund
from payments.postgres.refunds import refund_from

SELECT_ENTRY = """
    SELECT
        e.payment_id,
        e.refund_id,
        abs(e.amount) AS amount,
        e.currency,
        e.reference,
        g.reference AS by_hand
    FROM ledger_entries AS e
    LEFT JOIN given_by_hand AS g ON g.refund_id = e.refund_id
"""


class ReconcilingStatements(Transaction):
    def entries_between(self, begin: datetime, end: datetime) -> list[Entry]:
        rows = self.conn.execute(
            f"{SELECT_ENTRY} WHERE e.recorded_at >= %(begin)s AND e.recorded_at < %(end)s",
            {"begin": begin, "end": end},
        )
        return [_entry(row) for row in rows]

    def charges_booked(self, payment_ids: Collection[UUID]) -> dict[UUID, Entry]:
        rows = self.conn.execute(
            f"{SELECT_ENTRY} WHERE e.refund_id IS NULL AND e.payment_id = ANY(%(payment_ids)s)",
            {"payment_ids": list(payment_ids)},
        )
        return {row["payment_id"]: _entry(row) for row in rows}

    def refunds_of_charges(self, references: Collection[str]) -> dict[str, tuple[UUID, Refund | None]]:
        rows = self.conn.execute(
            """
            SELECT
                e.reference AS charge,
                e.payment_id AS charged,
                r.id,
                r.payment_id,
                r.amount,
                r.currency,
                r.reason,
                r.status,
                coalesce(g.reference, r.reference) AS reference,
                r.created_at,
                r.updated_at
            FROM ledger_entries AS e
            LEFT JOIN refunds AS r ON r.payment_id = e.payment_id
            LEFT JOIN given_by_hand AS g ON g.refund_id = r.id
            WHERE e.refund_id IS NULL AND e.reference = ANY(%(references)s)
            """,
            {"references": list(references)},
        ).fetchall()
        return {
            row.pop("charge"): (row.pop("charged"), refund_from(row) if row["id"] else None) for row in rows
        }

    def still_open(self, limit: int) -> list[dict[str, Any]]:
        """What is not settled, oldest first: kind, id, payment_id, age and time to the next try in seconds, tries
        and the provider's reference."""
        return self.conn.execute(
            """
            SELECT
                o.kind,
                o.id,
                o.payment_id,
                extract(epoch FROM now() - o.created_at)::float AS age_seconds,
                extract(epoch FROM o.next_attempt_at - now())::float AS next_seconds,
                o.attempts,
                o.reference
            FROM (
                SELECT
                    'payment' AS kind,
                    p.id,
                    p.id AS payment_id,
                    p.created_at,
                    p.next_attempt_at,
                    p.attempts,
                    p.reference
                FROM payments AS p
                WHERE p.status = 'processing'
                UNION ALL
                SELECT
                    'refund',
                    r.id,
                    r.payment_id,
                    r.created_at,
                    r.next_attempt_at,
                    r.attempts,
                    r.reference
                FROM refunds AS r
                WHERE r.status = 'pending'
            ) AS o
            ORDER BY o.created_at
            LIMIT %(limit)s
            """,
            {"limit": limit},
        ).fetchall()


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(**row)
