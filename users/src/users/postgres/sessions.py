"""Store: the statements about sessions."""

from collections.abc import Sequence
from uuid import UUID

from chassis.postgres import Transaction
from users.domain import Session


class Sessions(Transaction):
    def add_session(self, session: Session) -> None:
        self.conn.execute(
            """
            INSERT INTO sessions (
                id,
                user_id,
                client_id,
                token_hash,
                family_hash,
                expires_at
            ) VALUES (
                %(id)s,
                %(user_id)s,
                %(client_id)s,
                %(token_hash)s,
                %(family_hash)s,
                %(expires_at)s
            )
            """,
            vars(session),
        )

    def lock_session(self, session_id: UUID) -> Session | None:
        # The lock lets refreshes of one session happen one after another. A sign-in that overlapped the erasure of its
        # account leaves a session without an owner: it is not found.
        found = self.conn.execute(
            """
            SELECT
                sessions.id,
                sessions.user_id,
                sessions.client_id,
                sessions.token_hash,
                sessions.family_hash,
                sessions.expires_at
            FROM sessions
            JOIN users ON users.id = sessions.user_id
            WHERE sessions.id = %(id)s
                AND users.erased_at IS NULL
            FOR UPDATE OF sessions
            """,
            {"id": session_id},
        ).fetchone()
        return None if found is None else Session(**found)

    def save_session(self, session: Session) -> None:
        self.conn.execute(
            """
            UPDATE sessions
            SET
                token_hash = %(token_hash)s,
                family_hash = %(family_hash)s,
                expires_at = %(expires_at)s
            WHERE id = %(id)s
            """,
            vars(session),
        )

    def end_session(self, session_id: UUID, client_id: str) -> bool:
        ended = self.conn.execute(
            """
            DELETE FROM sessions
            WHERE id = %(id)s
                AND client_id = %(client_id)s
            """,
            {"id": session_id, "client_id": client_id},
        )
        return ended.rowcount == 1

    def end_sessions_of(self, user_id: UUID) -> Sequence[UUID]:
        ended = self.conn.execute(
            """
            DELETE FROM sessions
            WHERE user_id = %(user_id)s
            RETURNING id
            """,
            {"user_id": user_id},
        )
        return [row["id"] for row in ended.fetchall()]

    def end_expired_sessions(self) -> int:
        ended = self.conn.execute(
            """
            DELETE FROM sessions
            WHERE expires_at <= now()
            """
        )
        return ended.rowcount
