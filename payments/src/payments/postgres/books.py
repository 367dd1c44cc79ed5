"""PostgreSQL: the statements about what moved, written once and never changed, and what the provider told."""

from datetime import timedelta
from uuid import UUID

from chassis.postgres import Transaction
from payments.domain import Notice, Payment, Refund


class BookStatements(Transaction):
    def book_charge(self, payment: Payment) -> None:
        self._book(payment.id, None, payment.amount, payment.currency, payment.reference)

    def book_refund(self, refund: Refund, by_hand: str | None = None) -> None:
        reference = by_hand or refund.reference
        self._book(refund.payment_id, refund.id, -refund.amount, refund.currency, reference)

    def note_given_by_hand(self, refund_id: UUID, reference: str) -> None:
        self.conn.execute(
            """
            INSERT INTO given_by_hand (refund_id, reference)
            VALUES (
                %(refund_id)s,
                %(reference)s
            )
            """,
            {"refund_id": refund_id, "reference": reference},
        )

    def given_by_hand(self, refund_id: UUID) -> str | None:
        noted = self.conn.execute(
            "SELECT g.reference FROM given_by_hand AS g WHERE g.refund_id = %(refund_id)s",
            {"refund_id": refund_id},
        ).fetchone()
        return noted["reference"] if noted else None

    def note_notice(self, notice: Notice) -> bool:
        noted = self.conn.execute(
            """
            INSERT INTO notices (id, type, payment_id)
            VALUES (
                %(id)s,
                %(type)s,
                %(payment_id)s
            )
            ON CONFLICT (id) DO NOTHING
            """,
            {"id": notice.id, "type": notice.type, "payment_id": notice.payment_id},
        )
        return noted.rowcount == 1

    def forget_notices(self, older_than: timedelta) -> None:
        self.conn.execute(
            "DELETE FROM notices WHERE received_at < now() - %(age)s",
            {"age": older_than},
        )

    def open_work(self) -> list[tuple[str, int, float]]:
        """What is open: its kind, how many there are, and the age of the oldest in seconds."""
        rows = self.conn.execute(
            """
            SELECT
                'payment' AS kind,
                count(*) AS open,
                coalesce(extract(epoch FROM now() - min(p.created_at)), 0)::float AS oldest_seconds
            FROM payments AS p
            WHERE p.status = 'processing'
            UNION ALL
            SELECT
                'refund' AS kind,
                count(*) AS open,
                coalesce(extract(epoch FROM now() - min(r.created_at)), 0)::float AS oldest_seconds
            FROM refunds AS r
            WHERE r.status = 'pending'
            """
        )
        return [(row["kind"], row["open"], row["oldest_seconds"]) for row in rows]

    def _book(
        self, payment_id: UUID, refund_id: UUID | None, amount: int, currency: str, reference: str | None
    ) -> None:
        self.conn.execute(
            """
            INSERT INTO ledger_entries (payment_id, refund_id, amount, currency, reference)
            VALUES (
                %(payment_id)s,
                %(refund_id)s,
                %(amount)s,
                %(currency)s,
                %(reference)s
            )
            """,
            {
                "payment_id": payment_id,
                "refund_id": refund_id,
                "amount": amount,
                "currency": currency,
                "reference": reference,
            },
        )
