"""Store: the statements about accounts."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from chassis.postgres import Transaction, constraint_of
from users.domain import EmailTaken, Role, User, UserDeleted, UserNotFound

SELECT_USER = """
    SELECT
        id,
        email,
        name,
        role,
        password_hash,
        version,
        created_at
    FROM users
"""


class Accounts(Transaction):
    def add_user(self, user: User) -> None:
        try:
            self.conn.execute(
                """
                INSERT INTO users (
                    id,
                    email,
                    name,
                    role,
                    password_hash,
                    version,
                    created_at
                ) VALUES (
                    %(id)s,
                    %(email)s,
                    %(name)s,
                    %(role)s,
                    %(password_hash)s,
                    %(version)s,
                    %(created_at)s
                )
                """,
                vars(user),
            )
        except psycopg.IntegrityError as error:
            if constraint_of(error) == "users_email_uq":
                # Without its cause: that names the e-mail address, and is logged.
                raise EmailTaken from None
            raise

    def user(self, user_id: UUID) -> User:
        found = self.conn.execute(
            f"""
            {SELECT_USER}
            WHERE id = %(id)s
                AND erased_at IS NULL
            """,
            {"id": user_id},
        )
        return _one(found.fetchone())

    def user_with_email(self, email: str) -> User | None:
        found = self.conn.execute(
            f"""
            {SELECT_USER}
            WHERE email = %(email)s
            """,
            {"email": email},
        ).fetchone()
        return None if found is None else _user(found)

    def users(self, before: UUID | None, limit: int) -> Sequence[User]:
        found = self.conn.execute(
            f"""
            {SELECT_USER}
            WHERE erased_at IS NULL
                AND (%(before)s::uuid IS NULL OR id < %(before)s)
            ORDER BY id DESC
            LIMIT %(limit)s
            """,
            {"before": before, "limit": limit},
        )
        return [_user(row) for row in found.fetchall()]

    def rename_user(self, user_id: UUID, name: str) -> User:
        renamed = self.conn.execute(
            """
            UPDATE users
            SET
                name = %(name)s,
                version = version + 1
            WHERE id = %(id)s
                AND erased_at IS NULL
            RETURNING
                id,
                email,
                name,
                role,
                password_hash,
                version,
                created_at
            """,
            {"id": user_id, "name": name},
        )
        return _one(renamed.fetchone())

    def make_admin(self, user_id: UUID, password_hash: str) -> User:
        promoted = self.conn.execute(
            """
            UPDATE users
            SET
                role = 'admin',
                password_hash = %(password_hash)s,
                version = version + 1
            WHERE id = %(id)s
                AND erased_at IS NULL
            RETURNING
                id,
                email,
                name,
                role,
                password_hash,
                version,
                created_at
            """,
            {"id": user_id, "password_hash": password_hash},
        )
        return _one(promoted.fetchone())

    def renew_password_hash(self, user_id: UUID, old: str, new: str) -> None:
        self.conn.execute(
            """
            UPDATE users
            SET password_hash = %(new)s
            WHERE id = %(id)s
                AND password_hash = %(old)s
            """,
            {"id": user_id, "old": old, "new": new},
        )

    def erase_user(self, user_id: UUID) -> UserDeleted:
        erased = self.conn.execute(
            """
            UPDATE users
            SET
                email = NULL,
                name = NULL,
                password_hash = NULL,
                erased_at = now(),
                version = version + 1
            WHERE id = %(id)s
                AND erased_at IS NULL
            RETURNING
                id,
                version
            """,
            {"id": user_id},
        ).fetchone()
        if erased is None:
            raise UserNotFound
        return UserDeleted(erased["id"], erased["version"])


def _one(row: Mapping[str, Any] | None) -> User:
    if row is None:
        raise UserNotFound
    return _user(row)


def _user(row: Mapping[str, Any]) -> User:
    return User(**{**row, "role": Role(row["role"])})
