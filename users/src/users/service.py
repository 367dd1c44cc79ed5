"""Service: the use cases of accounts, sign-in and notifications, and what they need."""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from chassis.ids import new_id
from chassis.paging import Page, encode_cursor
from users.domain import (
    Client,
    Feed,
    FeedCursor,
    InvalidGrant,
    Notification,
    RefreshToken,
    Revocation,
    Revoked,
    Role,
    Session,
    User,
    UserDeleted,
    UserRegistered,
    normalised_email,
)

log = logging.getLogger(__name__)

Listed = TypeVar("Listed", User, Notification)


class Transaction(Protocol):
    """One open transaction of the store. A user that is not there, or erased, raises UserNotFound."""

    now: datetime

    def record(self, happened: UserRegistered | UserDeleted) -> None: ...

    def add_user(self, user: User) -> None: ...  # raises EmailTaken
    def user(self, user_id: UUID) -> User: ...
    def user_with_email(self, email: str) -> User | None: ...
    def users(self, before: UUID | None, limit: int) -> Sequence[User]: ...
    def rename_user(self, user_id: UUID, name: str) -> User: ...
    def make_admin(self, user_id: UUID, password_hash: str) -> User: ...
    def renew_password_hash(self, user_id: UUID, old: str, new: str) -> None: ...
    def erase_user(self, user_id: UUID) -> UserDeleted: ...

    def add_session(self, session: Session) -> None: ...
    def lock_session(self, session_id: UUID) -> Session | None: ...
    def save_session(self, session: Session) -> None: ...
    def end_session(self, session_id: UUID, client_id: str) -> bool: ...
    def end_sessions_of(self, user_id: UUID) -> Sequence[UUID]: ...
    def end_expired_sessions(self) -> int: ...

    def revoke(self, revocation: Revocation) -> None: ...
    def revocation_horizon(self) -> int: ...  # the oldest transaction that is open
    def revocations(self, after: FeedCursor, limit: int) -> Sequence[tuple[FeedCursor, Revocation]]: ...
    def forget_expired_revocations(self) -> None: ...

    def add_notification(self, notification: Notification) -> None: ...
    def notifications(self, user_id: UUID, before: UUID | None, limit: int) -> Sequence[Notification]: ...
    def erase_notifications(self, user_id: UUID) -> None: ...


class Database(Protocol):
    def transaction(self) -> AbstractContextManager[Transaction]: ...
    def read(self) -> AbstractContextManager[Transaction]: ...


class Passwords(Protocol):
    def hash(self, password: str) -> str: ...
    def verify(self, password_hash: str | None, password: str) -> bool: ...
    def outdated(self, password_hash: str) -> bool: ...


class AccessTokens(Protocol):
    lifetime_seconds: int

    def sign(self, user: User, session_id: UUID, client: Client, now: datetime) -> str: ...


@dataclass(frozen=True)
class Granted:
    """What a client gets at the token endpoint."""

    access_token: str = field(repr=False)
    lifetime_seconds: int
    refresh_token: str = field(repr=False)
    refresh_token_lifetime_seconds: int


class Accounts:
    def __init__(self, database: Database, passwords: Passwords, token_lifetime: timedelta) -> None:
        self._database = database
        self._passwords = passwords
        self._token_lifetime = token_lifetime

    def register(self, email: str, password: str, name: str) -> User:
        return self._add(email, password, name, Role.CUSTOMER)

    def user(self, user_id: UUID) -> User:
        with self._database.read() as tx:
            return tx.user(user_id)

    def users(self, before: UUID | None, limit: int) -> Page[User]:
        with self._database.read() as tx:
            return _page(tx.users(before, limit + 1), limit)

    def rename(self, user_id: UUID, name: str) -> User:
        with self._database.transaction() as tx:
            return tx.rename_user(user_id, name)

    def delete(self, user_id: UUID) -> None:
        with self._database.transaction() as tx:
            # Sessions first: a refresh that holds one of them still finds its user.
            tx.end_sessions_of(user_id)
            tx.record(tx.erase_user(user_id))
            tx.erase_notifications(user_id)
            tx.revoke(Revocation.of(Revoked.USER, user_id, tx.now, self._token_lifetime))

    def ensure_admin(self, email: str, password: str) -> User:
        with self._database.read() as tx:
            known = tx.user_with_email(normalised_email(email))
        if known is None:
            return self._add(email, password, "Administrator", Role.ADMIN)
        if known.role is Role.ADMIN and self._passwords.verify(known.password_hash, password):
            return known
        password_hash = self._passwords.hash(password)
        with self._database.transaction() as tx:
            for session_id in tx.end_sessions_of(known.id):
                tx.revoke(Revocation.of(Revoked.SESSION, session_id, tx.now, self._token_lifetime))
            return tx.make_admin(known.id, password_hash)

    def notifications(self, user_id: UUID, before: UUID | None, limit: int) -> Page[Notification]:
        with self._database.read() as tx:
            return _page(tx.notifications(user_id, before, limit + 1), limit)

    def _add(self, email: str, password: str, name: str, role: Role) -> User:
        password_hash = self._passwords.hash(password)
        with self._database.transaction() as tx:
            user = User(
                id=new_id(),
                email=normalised_email(email),
                name=name,
                role=role,
                password_hash=password_hash,
                created_at=tx.now,
            )
            tx.add_user(user)
            tx.record(UserRegistered(user.id, user.version))
        return user


class Sessions:
    def __init__(
        self, database: Database, passwords: Passwords, access_tokens: AccessTokens, lifetime: timedelta
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._access_tokens = access_tokens
        self._lifetime = lifetime

    def sign_in(self, client: Client, email: str, password: str) -> Granted:
        with self._database.read() as tx:
            user = tx.user_with_email(normalised_email(email))
        # Without an account the check still runs, so that its time does not tell who has one.
        right = self._passwords.verify(user.password_hash if user else None, password)
        if user is None or not right:
            raise InvalidGrant("The e-mail address or the password is wrong.")
        outdated = self._passwords.outdated(user.password_hash)
        password_hash = self._passwords.hash(password) if outdated else user.password_hash
        token = RefreshToken.new(new_id())
        with self._database.transaction() as tx:
            if outdated:
                tx.renew_password_hash(user.id, old=user.password_hash, new=password_hash)
            tx.add_session(Session.begin(token, user.id, client, tx.now, self._lifetime))
            return self._grant(user, client, token, tx.now)

    def refresh(self, client: Client, refresh_token: str) -> Granted:
        shown = RefreshToken.parse(refresh_token)
        if shown is None:
            raise InvalidGrant("This is not a refresh token.")
        successor = shown.successor()
        with self._database.transaction() as tx:
            session = tx.lock_session(shown.session_id)
            if session is None or not session.usable_by(client, tx.now) or not session.knows(shown):
                raise InvalidGrant("The refresh token is expired, revoked or another client's.")
            rotated = session.rotated(shown, successor, tx.now, self._lifetime)
            if rotated is not None:
                tx.save_session(rotated)
                return self._grant(tx.user(session.user_id), client, successor, tx.now)
            self._end(tx, session.id, client)
        # Raised after the commit: the session has to stay ended.
        log.warning("a spent refresh token was shown, its session ended", extra={"account": session.user_id})
        raise InvalidGrant("The refresh token was used before; sign in again.")

    def sign_out(self, client: Client, refresh_token: str) -> None:
        shown = RefreshToken.parse(refresh_token)
        if shown is None:
            return
        with self._database.transaction() as tx:
            session = tx.lock_session(shown.session_id)
            if session is not None and session.knows(shown):
                self._end(tx, session.id, client)

    def _end(self, tx: Transaction, session_id: UUID, client: Client) -> None:
        if tx.end_session(session_id, client.id):
            token_lifetime = timedelta(seconds=self._access_tokens.lifetime_seconds)
            tx.revoke(Revocation.of(Revoked.SESSION, session_id, tx.now, token_lifetime))

    def _grant(self, user: User, client: Client, token: RefreshToken, now: datetime) -> Granted:
        return Granted(
            access_token=self._access_tokens.sign(user, token.session_id, client, now),
            lifetime_seconds=self._access_tokens.lifetime_seconds,
            refresh_token=token.text,
            refresh_token_lifetime_seconds=int(self._lifetime.total_seconds()),
        )


class Revocations:
    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, cursor: FeedCursor, limit: int) -> Feed:
        with self._database.read() as tx:
            # Asked first: whatever is older than this has ended, and is among what is found.
            horizon = tx.revocation_horizon()
            if not cursor.known_at(horizon):
                cursor = FeedCursor()
            found = tx.revocations(cursor, limit + 1)
        again_from = cursor.again_from or horizon
        page, more = found[:limit], len(found) > limit
        reached = replace(page[-1][0], again_from=again_from) if more else FeedCursor(transaction=again_from)
        return Feed([each for _, each in page], reached, more)


def forget_expired(database: Database) -> None:
    with database.transaction() as tx:
        ended = tx.end_expired_sessions()
        tx.forget_expired_revocations()
    log.info("expired sessions ended", extra={"sessions": ended})


def _page(found: Sequence[Listed], limit: int) -> Page[Listed]:
    """A page of what was found, where one more than the limit was asked for."""
    items = found[:limit]
    return Page(items, encode_cursor(items[-1].id) if len(found) > limit else None)
