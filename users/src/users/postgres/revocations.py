"""Store: the statements about revoked access tokens."""

from collections.abc import Sequence

from chassis.postgres import Transaction
from users.domain import FeedCursor, Revocation, Revoked


class Revocations(Transaction):
    def revoke(self, revocation: Revocation) -> None:
        self.conn.execute(
            """
            INSERT INTO revocations (
                kind,
                id,
                expires_at
            ) VALUES (
                %(kind)s,
                %(id)s,
                %(expires_at)s
            )
            """,
            vars(revocation),
        )

    def revocation_horizon(self) -> int:
        found = self.conn.execute(
            """
            SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon
            """
        )
        [row] = found.fetchall()
        return int(row["horizon"])

    def revocations(self, after: FeedCursor, limit: int) -> Sequence[tuple[FeedCursor, Revocation]]:
        found = self.conn.execute(
            """
            SELECT
                transaction_id::text::bigint AS transaction,
                position,
                kind,
                id,
                expires_at
            FROM revocations
            WHERE (transaction_id, position) > (%(transaction)s::text::xid8, %(position)s)
                AND expires_at > now()
            ORDER BY
                transaction_id,
                position
            LIMIT %(limit)s
            """,
            {**vars(after), "limit": limit},
        )
        return [
            (
                FeedCursor(transaction=row["transaction"], position=row["position"]),
                Revocation(Revoked(row["kind"]), row["id"], row["expires_at"]),
            )
            for row in found.fetchall()
        ]

    def forget_expired_revocations(self) -> None:
        self.conn.execute(
            """
            DELETE FROM revocations
            WHERE expires_at <= now()
            """
        )
