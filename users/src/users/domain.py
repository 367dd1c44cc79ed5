"""Domain: accounts, the sessions of signed-in clients, notifications, and what can be wrong with them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.errors import BadRequest, Conflict, NotFound, Unauthenticated, Unavailable

_SESSION_ID_BYTES = 16
_FAMILY_BYTES = 16
_OWN_BYTES = 16
# A sign-in that overlaps the erasure of its account may sign a token a little later than that.
_OVERLAP = timedelta(minutes=1)
_refresh_token = re.compile(r"[A-Za-z0-9_-]{64}", re.ASCII)


class EmailTaken(Conflict):
    code = "email_taken"
    title = "Another account has this e-mail address"


class UserNotFound(NotFound):
    code = "user_not_found"
    title = "No such user"


class PasswordsBusy(Unavailable):
    code = "passwords_busy"
    title = "Too many passwords are being checked at this moment"


class InvalidGrant(BadRequest):
    code = "invalid_grant"
    title = "The e-mail address and password, or the refresh token, are not valid"


class InvalidClient(Unauthenticated):
    code = "invalid_client"
    title = "No such client"


class Role(StrEnum):
    CUSTOMER = "customer"
    ADMIN = "admin"


@dataclass(frozen=True, kw_only=True)
class User:
    id: UUID
    email: str
    name: str
    role: Role
    password_hash: str = field(repr=False)
    version: int = 1
    created_at: datetime


@dataclass(frozen=True)
class UserRegistered:
    user_id: UUID
    version: int


@dataclass(frozen=True)
class UserDeleted:
    user_id: UUID
    version: int


def normalised_email(text: str) -> str:
    """Addresses that differ in case or surrounding space belong to one account."""
    return text.strip().lower()


@dataclass(frozen=True)
class Client:
    """An application of ours that signs users in; public, so it has no secret (RFC 6749, section 2.1)."""

    id: str
    keeps_refresh_token_in_cookie: bool


CLIENTS = {
    client.id: client
    for client in (
        Client("web", keeps_refresh_token_in_cookie=True),
        Client("mobile", keeps_refresh_token_in_cookie=False),
    )
}


@dataclass(frozen=True)
class RefreshToken:
    """What a client holds: the session's id and the secret that proves it. Only hashes of the secret are kept.

    The secret's first half is the same in all tokens of a session: a spent token is told from a made-up one by it.
    """

    session_id: UUID
    secret: bytes = field(repr=False)

    @classmethod
    def new(cls, session_id: UUID) -> RefreshToken:
        return cls(session_id, secrets.token_bytes(_FAMILY_BYTES + _OWN_BYTES))

    def successor(self) -> RefreshToken:
        return replace(self, secret=self.secret[:_FAMILY_BYTES] + secrets.token_bytes(_OWN_BYTES))

    @classmethod
    def parse(cls, text: str) -> RefreshToken | None:
        if not _refresh_token.fullmatch(text):
            return None
        raw = base64.urlsafe_b64decode(text)
        return cls(UUID(bytes=raw[:_SESSION_ID_BYTES]), raw[_SESSION_ID_BYTES:])

    @property
    def text(self) -> str:
        return base64.urlsafe_b64encode(self.session_id.bytes + self.secret).decode("ascii")

    @property
    def hash(self) -> bytes:
        # 256 random bits need no slow hash, nor do the family's 128: there is nothing to guess.
        return hashlib.sha256(self.secret).digest()

    @property
    def family_hash(self) -> bytes:
        return hashlib.sha256(self.secret[:_FAMILY_BYTES]).digest()


@dataclass(frozen=True, kw_only=True)
class Session:
    """One sign-in on one client: a family of refresh tokens, each replaced by the next; one is usable."""

    id: UUID
    user_id: UUID
    client_id: str
    token_hash: bytes = field(repr=False)
    # None until the first exchange, in a session that a release which kept none began.
    family_hash: bytes | None = field(repr=False)
    expires_at: datetime

    @classmethod
    def begin(
        cls, token: RefreshToken, user_id: UUID, client: Client, now: datetime, lifetime: timedelta
    ) -> Session:
        return cls(
            id=token.session_id,
            user_id=user_id,
            client_id=client.id,
            token_hash=token.hash,
            family_hash=token.family_hash,
            expires_at=now + lifetime,
        )

    def usable_by(self, client: Client, now: datetime) -> bool:
        return self.client_id == client.id and now < self.expires_at

    def knows(self, shown: RefreshToken) -> bool:
        """Whether `shown` is or was one of this session's tokens; any secret may be where no family is kept."""
        if self.family_hash is None or hmac.compare_digest(shown.hash, self.token_hash):
            return True
        return hmac.compare_digest(shown.family_hash, self.family_hash)

    def rotated(
        self, shown: RefreshToken, successor: RefreshToken, now: datetime, lifetime: timedelta
    ) -> Session | None:
        """The session once `shown` is exchanged for `successor`; None when `shown` was exchanged before.

        Then two parties hold tokens of this session, and nobody can tell which of them is the thief.
        """
        if not hmac.compare_digest(shown.hash, self.token_hash):
            return None
        return replace(
            self, token_hash=successor.hash, family_hash=successor.family_hash, expires_at=now + lifetime
        )


class Revoked(StrEnum):
    USER = "user"
    SESSION = "session"


@dataclass(frozen=True)
class Revocation:
    """Access tokens that end before their time: all of a user, or those of one session. After `expires_at` they have
    expired anyway."""

    kind: Revoked
    id: UUID
    expires_at: datetime

    @classmethod
    def of(cls, kind: Revoked, id_: UUID, now: datetime, token_lifetime: timedelta) -> Revocation:
        return cls(kind, id_, now + token_lifetime + _OVERLAP)


@dataclass(frozen=True)
class FeedCursor:
    """How far a reader of the revocations has come: past a position of a transaction, by transaction ids.

    Transactions end in another order than they begin, so a whole reading starts again with the oldest that was still
    open when the one before began: `again_from`, 0 between two readings.
    """

    again_from: int = 0
    transaction: int = 0
    position: int = 0

    def known_at(self, horizon: int) -> bool:
        """Whether it can be of this database: one restored from a backup counts from further back."""
        return min(vars(self).values()) >= 0 and (self.again_from or self.transaction) <= horizon


@dataclass(frozen=True)
class Feed:
    """Some revocations, where to go on, and whether there are more at this moment."""

    data: Sequence[Revocation]
    next_cursor: FeedCursor
    more: bool


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One sentence to a user about one of their orders."""

    id: UUID
    user_id: UUID
    type: str
    order_id: UUID
    title: str
    created_at: datetime
