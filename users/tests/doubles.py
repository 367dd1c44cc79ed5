"""Doubles of the service's collaborators: a store in memory, hashes that are no hashes, tokens that are none."""

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from chassis.clock import Clock, utc_now
from users.domain import (
    Client,
    EmailTaken,
    FeedCursor,
    Notification,
    PasswordsBusy,
    Revocation,
    Role,
    Session,
    User,
    UserDeleted,
    UserNotFound,
    UserRegistered,
)


@dataclass
class Tables:
    users: dict[UUID, User] = field(default_factory=dict)
    sessions: dict[UUID, Session] = field(default_factory=dict)
    notifications: dict[UUID, Notification] = field(default_factory=dict)
    revocations: list[Revocation] = field(default_factory=list)
    recorded: list[UserRegistered | UserDeleted] = field(default_factory=list)


class MemoryDatabase:
    """One transaction at a time; what a failed one did is undone."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self.tables = Tables()
        self._clock = clock
        self._lock = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator["MemoryTransaction"]:
        with self._lock:
            changed = copy.deepcopy(self.tables)
            yield MemoryTransaction(changed, self._clock())
            self.tables = changed

    read = transaction


class MemoryTransaction:
    def __init__(self, tables: Tables, now: datetime) -> None:
        self.tables = tables
        self.now = now

    def record(self, happened: UserRegistered | UserDeleted) -> None:
        self.tables.recorded.append(happened)

    def add_user(self, user: User) -> None:
        if self.user_with_email(user.email):
            raise EmailTaken
        self.tables.users[user.id] = user

    def user(self, user_id: UUID) -> User:
        if user_id not in self.tables.users:
            raise UserNotFound
        return self.tables.users[user_id]

    def user_with_email(self, email: str) -> User | None:
        return next((user for user in self.tables.users.values() if user.email == email), None)

    def users(self, before: UUID | None, limit: int) -> list[User]:
        return _newest_first(self.tables.users.values(), before, limit)

    def rename_user(self, user_id: UUID, name: str) -> User:
        return self._changed(user_id, name=name)

    def make_admin(self, user_id: UUID, password_hash: str) -> User:
        return self._changed(user_id, role=Role.ADMIN, password_hash=password_hash)

    def renew_password_hash(self, user_id: UUID, old: str, new: str) -> None:
        user = self.tables.users.get(user_id)
        if user and user.password_hash == old:
            self.tables.users[user_id] = replace(user, password_hash=new)

    def erase_user(self, user_id: UUID) -> UserDeleted:
        user = self.user(user_id)
        del self.tables.users[user_id]
        return UserDeleted(user_id, user.version + 1)

    def add_session(self, session: Session) -> None:
        self.tables.sessions[session.id] = session

    def lock_session(self, session_id: UUID) -> Session | None:
        session = self.tables.sessions.get(session_id)
        return session if session and session.user_id in self.tables.users else None

    def save_session(self, session: Session) -> None:
        self.tables.sessions[session.id] = session

    def end_session(self, session_id: UUID, client_id: str) -> bool:
        session = self.tables.sessions.get(session_id)
        if session is None or session.client_id != client_id:
            return False
        del self.tables.sessions[session_id]
        return True

    def end_sessions_of(self, user_id: UUID) -> list[UUID]:
        ended = [id_ for id_, each in self.tables.sessions.items() if each.user_id == user_id]
        for id_ in ended:
            del self.tables.sessions[id_]
        return ended

    def revoke(self, revocation: Revocation) -> None:
        self.tables.revocations.append(revocation)

    def revocation_horizon(self) -> int:
        return len(self.tables.revocations) + 1  # each as if in a transaction of its own

    def revocations(self, after: FeedCursor, limit: int) -> list[tuple[FeedCursor, Revocation]]:
        rows = [
            (FeedCursor(transaction=number, position=number), each)
            for number, each in enumerate(self.tables.revocations, 1)
        ]
        past = (after.transaction, after.position)
        return [row for row in rows if (row[0].transaction, row[0].position) > past][:limit]

    def forget_expired_revocations(self) -> None:
        self.tables.revocations = [each for each in self.tables.revocations if each.expires_at > self.now]

    def end_expired_sessions(self) -> int:
        kept = {id_: each for id_, each in self.tables.sessions.items() if each.expires_at > self.now}
        ended = len(self.tables.sessions) - len(kept)
        self.tables.sessions = kept
        return ended

    def add_notification(self, notification: Notification) -> None:
        if notification.user_id in self.tables.users:
            self.tables.notifications[notification.id] = notification

    def notifications(self, user_id: UUID, before: UUID | None, limit: int) -> list[Notification]:
        own = [each for each in self.tables.notifications.values() if each.user_id == user_id]
        return _newest_first(own, before, limit)

    def erase_notifications(self, user_id: UUID) -> None:
        kept = {id_: each for id_, each in self.tables.notifications.items() if each.user_id != user_id}
        self.tables.notifications = kept

    def _changed(self, user_id: UUID, **changes: object) -> User:
        user = self.user(user_id)
        self.tables.users[user_id] = replace(user, version=user.version + 1, **changes)
        return self.tables.users[user_id]


def _newest_first(rows, before, limit):
    older = (row for row in rows if before is None or row.id < before)
    return sorted(older, key=lambda row: row.id, reverse=True)[:limit]


class PlainPasswords:
    """Keeps a password as it is, so that no time is spent; `current` is the mark of today's parameters."""

    def __init__(self, current: str = "v1") -> None:
        self.current = current
        self.checked: list[str | None] = []

    def hash(self, password: str) -> str:
        return f"{self.current}:{password}"

    def verify(self, password_hash: str | None, password: str) -> bool:
        self.checked.append(password_hash)
        return password_hash is not None and password_hash.partition(":")[2] == password

    def outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith(f"{self.current}:")


class BusyPasswords(PlainPasswords):
    """Has more to do than it can."""

    def hash(self, password: str) -> str:
        raise PasswordsBusy(retry_after_seconds=1)

    def verify(self, password_hash: str | None, password: str) -> bool:
        raise PasswordsBusy(retry_after_seconds=1)


class PlainTokens:
    """An access token that says whom it is for."""

    lifetime_seconds = 600

    def sign(self, user: User, session_id: UUID, client: Client, now: datetime) -> str:
        return f"{user.role} {user.id} on {client.id}"
