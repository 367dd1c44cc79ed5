"""PostgreSQL: the statements about payments; a move is stored together with its event."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation

from chassis import context
from chassis.context import RequestContext
from chassis.postgres import Transaction, constraint_of
from payments.domain import Payment, PaymentExists, PaymentStatus, Refund
from payments.events import announcement

SELECT_PAYMENT = """
    SELECT
        p.id,
        p.order_id,
        p.user_id,
        p.amount,
        p.currency,
        p.payment_method,
        p.status,
        p.failure_code,
        p.reference,
        p.version,
        p.request_id,
        p.traceparent,
        p.created_at,
        p.updated_at
    FROM payments AS p
"""
LAST = UUID(int=2**128 - 1)


class PaymentStatements(Transaction):
    def payment(self, payment_id: UUID) -> Payment | None:
        return self._payment(f"{SELECT_PAYMENT} WHERE p.id = %(id)s", {"id": payment_id})

    def succeeded_payment_of(self, order_id: UUID) -> Payment | None:
        return self._payment(
            f"{SELECT_PAYMENT} WHERE p.order_id = %(order_id)s AND p.status = 'succeeded'",
            {"order_id": order_id},
        )

    def payments_before(self, position: UUID | None, user_id: UUID, limit: int) -> list[Payment]:
        """Newest first: ids are made in order of time."""
        rows = self.conn.execute(
            f"""
            {SELECT_PAYMENT}
            WHERE p.user_id = %(user_id)s AND p.id < %(position)s
            ORDER BY p.id DESC
            LIMIT %(limit)s
            """,
            {"user_id": user_id, "position": position or LAST, "limit": limit},
        )
        return [_entity(row) for row in rows]

    def add_payment(self, payment: Payment, settle_at: datetime) -> None:
        try:
            self.conn.execute(
                """
                INSERT INTO payments (
                    id,
                    order_id,
                    user_id,
                    amount,
                    currency,
                    payment_method,
                    status,
                    version,
                    request_id,
                    traceparent,
                    created_at,
                    updated_at,
                    next_attempt_at
                )
                VALUES (
                    %(id)s,
                    %(order_id)s,
                    %(user_id)s,
                    %(amount)s,
                    %(currency)s,
                    %(payment_method)s,
                    %(status)s,
                    %(version)s,
                    %(request_id)s,
                    %(traceparent)s,
                    %(created_at)s,
                    %(updated_at)s,
                    %(settle_at)s
                )
                """,
                {**asdict(payment), "settle_at": settle_at},
            )
        except UniqueViolation as error:
            if constraint_of(error) == "payments_live_order_uq":
                raise PaymentExists() from error
            raise

    def move_payment(self, payment: Payment, refund: Refund | None = None) -> None:
        self.conn.execute(
            """
            UPDATE payments
            SET
                status          = %(status)s,
                failure_code    = %(failure_code)s,
                reference       = %(reference)s,
                version         = %(version)s,
                updated_at      = %(updated_at)s,
                next_attempt_at = NULL
            WHERE id = %(id)s
            """,
            asdict(payment),
        )
        # The event belongs to the request that asked for the payment, whoever found out how it ended.
        with context.use(RequestContext(request_id=payment.request_id, traceparent=payment.traceparent)):
            self.emit(announcement(payment, refund))

    def note_reference(self, payment: Payment) -> None:
        self.conn.execute(
            "UPDATE payments SET reference = %(reference)s WHERE id = %(id)s AND reference IS NULL",
            {"id": payment.id, "reference": payment.reference},
        )

    def claim_payment(self, lease: timedelta) -> Payment | None:
        claimed = self.conn.execute(
            """
            UPDATE payments AS p
            SET
                attempts        = p.attempts + 1,
                next_attempt_at = now() + %(lease)s
            WHERE p.id = (
                SELECT due.id
                FROM payments AS due
                WHERE due.status = 'processing' AND due.next_attempt_at <= now()
                ORDER BY due.next_attempt_at
                LIMIT 1
                FOR UPDATE SKIP LOCKED
            )
            RETURNING p.id
            """,
            {"lease": lease},
        ).fetchone()
        return self.payment(claimed["id"]) if claimed else None

    def postpone_payment(self, payment: Payment, delay: timedelta) -> None:
        self.conn.execute(
            """
            UPDATE payments
            SET next_attempt_at = now() + %(delay)s
            WHERE id = %(id)s AND status = 'processing'
            """,
            {"id": payment.id, "delay": delay},
        )

    def _payment(self, statement: str, parameters: dict[str, Any]) -> Payment | None:
        row = self.conn.execute(statement, parameters).fetchone()
        return _entity(row) if row else None


def _entity(row: dict[str, Any]) -> Payment:
    return Payment(status=PaymentStatus(row.pop("status")), **row)
