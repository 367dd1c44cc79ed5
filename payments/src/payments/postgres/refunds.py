"""PostgreSQL: the statements about refunds."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.postgres import Transaction
from payments.domain import Refund, RefundReason, RefundStatus

SELECT_REFUND = """
    SELECT
        r.id,
        r.payment_id,
        r.amount,
        r.currency,
        r.reason,
        r.status,
        r.reference,
        r.created_at,
        r.updated_at
    FROM refunds AS r
"""


class RefundStatements(Transaction):
    def refund(self, refund_id: UUID) -> Refund | None:
        row = self.conn.execute(f"{SELECT_REFUND} WHERE r.id = %(id)s", {"id": refund_id}).fetchone()
        return refund_from(row) if row else None

    def refund_of(self, payment_id: UUID) -> Refund | None:
        row = self.conn.execute(
            f"{SELECT_REFUND} WHERE r.payment_id = %(payment_id)s", {"payment_id": payment_id}
        ).fetchone()
        return refund_from(row) if row else None

    def add_refund(self, refund: Refund) -> bool:
        added = self.conn.execute(
            """
            INSERT INTO refunds (
                id,
                payment_id,
                amount,
                currency,
                reason,
                status,
                created_at,
                updated_at,
                next_attempt_at
            )
            VALUES (
                %(id)s,
                %(payment_id)s,
                %(amount)s,
                %(currency)s,
                %(reason)s,
                %(status)s,
                %(created_at)s,
                %(updated_at)s,
                %(created_at)s
            )
            ON CONFLICT (payment_id) DO NOTHING
            """,
            asdict(refund),
        )
        return added.rowcount == 1

    def save_refund(self, refund: Refund) -> None:
        self.conn.execute(
            """
            UPDATE refunds
            SET
                status          = %(status)s,
                reference       = %(reference)s,
                updated_at      = %(updated_at)s,
                next_attempt_at = CASE WHEN %(status)s = 'pending' THEN next_attempt_at END
            WHERE id = %(id)s
            """,
            asdict(refund),
        )

    def claim_refund(self, lease: timedelta) -> Refund | None:
        claimed = self.conn.execute(
            """
            UPDATE refunds AS r
            SET
                attempts        = r.attempts + 1,
                next_attempt_at = now() + %(lease)s
            WHERE r.id = (
                SELECT due.id
                FROM refunds AS due
                WHERE due.status = 'pending' AND due.next_attempt_at <= now()
                ORDER BY due.next_attempt_at
                LIMIT 1
                FOR UPDATE SKIP LOCKED
            )
            RETURNING r.id
            """,
            {"lease": lease},
        ).fetchone()
        return self.refund(claimed["id"]) if claimed else None

    def postpone_refund(self, refund: Refund, delay: timedelta) -> None:
        self.conn.execute(
            """
            UPDATE refunds
            SET next_attempt_at = now() + %(delay)s
            WHERE id = %(id)s AND status = 'pending'
            """,
            {"id": refund.id, "delay": delay},
        )


def refund_from(row: dict[str, Any]) -> Refund:
    """Make the entity of a row of refunds."""
    return Refund(reason=RefundReason(row.pop("reason")), status=RefundStatus(row.pop("status")), **row)
