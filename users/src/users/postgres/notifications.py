"""Store: the statements about notifications."""

from collections.abc import Sequence
from uuid import UUID

from chassis.postgres import Transaction
from users.domain import Notification


class Notifications(Transaction):
    def add_notification(self, notification: Notification) -> None:
        # Nothing is kept about an erased user; the share lock keeps the erasure from happening meanwhile.
        self.conn.execute(
            """
            INSERT INTO notifications (
                id,
                user_id,
                type,
                order_id,
                title,
                created_at
            )
            SELECT
                %(id)s,
                users.id,
                %(type)s,
                %(order_id)s,
                %(title)s,
                %(created_at)s
            FROM users
            WHERE users.id = %(user_id)s
                AND users.erased_at IS NULL
            FOR SHARE
            """,
            vars(notification),
        )

    def notifications(self, user_id: UUID, before: UUID | None, limit: int) -> Sequence[Notification]:
        found = self.conn.execute(
            """
            SELECT
                id,
                user_id,
                type,
                order_id,
                title,
                created_at
            FROM notifications
            WHERE user_id = %(user_id)s
                AND (%(before)s::uuid IS NULL OR id < %(before)s)
            ORDER BY id DESC
            LIMIT %(limit)s
            """,
            {"user_id": user_id, "before": before, "limit": limit},
        )
        return [Notification(**row) for row in found.fetchall()]

    def erase_notifications(self, user_id: UUID) -> None:
        self.conn.execute(
            """
            DELETE FROM notifications
            WHERE user_id = %(user_id)s
            """,
            {"user_id": user_id},
        )
