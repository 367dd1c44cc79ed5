"""Who calls: the access token of a request (RFC 9068), read strictly and verified once."""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import jwt

from chassis.errors import Unauthenticated
from gateway.keys import ALGORITHM, IssuerKeys, UnknownKey
from gateway.revocations import Revocations
from gateway.strict_json import NotStrictJson, load_object

_CACHE_SECONDS = 60.0  # a token is looked at anew that often: its key may have been withdrawn
_LEEWAY_SECONDS = 5
_LONGEST_TOKEN = 4096
_TYPES = ("at+jwt", "application/at+jwt")
_HEADER_MEMBERS = frozenset(
    {"alg", "typ", "kid"}
)  # crit, jku, jwk, x5u and the like are instructions of a stranger

_bearer = re.compile(rb"bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)[ \t]*", re.IGNORECASE)
_uuid = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class NotSignedIn(Unauthenticated):
    """`challenge` is the answer's WWW-Authenticate (RFC 6750, section 3)."""

    challenge = 'Bearer realm="souk", error="invalid_token"'


class TokenMissing(NotSignedIn):
    code = "token_missing"
    title = "This needs an access token"
    challenge = 'Bearer realm="souk"'


class TokenInvalid(NotSignedIn):
    code = "token_invalid"
    title = "The access token is not valid"


class TokenExpired(NotSignedIn):
    code = "token_expired"
    title = "The access token has expired"


class TokenRevoked(NotSignedIn):
    code = "token_revoked"
    title = "The access token has been revoked"


@dataclass(frozen=True, slots=True)
class Caller:
    """The user behind a token. `good_until` is in Unix seconds; `session_id` is empty for a token of no session."""

    user_id: str
    roles: tuple[str, ...]
    good_until: float
    session_id: str = ""


class Tokens:
    """Verifies the access tokens of one issuer for one audience, each once in a while; so many are remembered."""

    def __init__(
        self,
        keys: IssuerKeys,
        revocations: Revocations,
        *,
        issuer: str,
        audience: str,
        remembered: int = 10_000,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._remembered = remembered
        self._keys = keys
        self._revocations = revocations
        self._issuer = issuer
        self._audience = audience
        self._now = now
        self._verified: dict[bytes, Caller] = {}

    def __len__(self) -> int:
        return len(self._verified)

    def caller(self, authorization: bytes) -> Caller:
        """Return who sent an Authorization header. Raises TokenInvalid, TokenExpired or TokenRevoked, and
        KeysUnavailable while nothing can be verified."""
        digest = hashlib.sha256(authorization).digest()
        caller = self._verified.get(digest)
        now = self._now()
        if caller is not None and now < caller.good_until:
            return caller
        caller = self._verify(authorization, now)
        while len(self._verified) >= self._remembered:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = caller
        return caller

    def forget(self, revoked: Collection[str]) -> None:
        """Let the tokens of these users and sessions be looked at anew; so a request need not ask what was revoked."""
        self._verified = {
            digest: caller
            for digest, caller in self._verified.items()
            if caller.user_id not in revoked and caller.session_id not in revoked
        }

    def _verify(self, authorization: bytes, now: float) -> Caller:
        match = _bearer.fullmatch(authorization)
        if match is None or len(match[1]) > _LONGEST_TOKEN:
            raise TokenInvalid("Authorization is not a bearer token.")
        token = match[1].decode("ascii")
        header, payload, _ = (_decode(part) for part in token.split("."))
        kid = self._kid(header)
        self._revocations.wait_for_first()
        try:
            key = self._keys.find(kid)
            jwt.PyJWS().decode(token, key, algorithms=[ALGORITHM])
        except (jwt.PyJWTError, UnknownKey) as wrong:
            raise TokenInvalid("The signature is not that of the issuer.") from wrong
        return self._read(_members(payload), now)

    def _kid(self, header: bytes) -> str:
        members = _members(header)
        kid = members.get("kid")
        if members.keys() - _HEADER_MEMBERS or members.get("alg") != ALGORITHM or not isinstance(kid, str):
            raise TokenInvalid("The header is not that of a token of ours.")
        if str(members.get("typ")).lower() not in _TYPES:
            raise TokenInvalid("This is not an access token.")
        return kid

    def _read(self, claims: dict[str, Any], now: float) -> Caller:
        expires, begins, issued = claims.get("exp"), claims.get("nbf", 0), claims.get("iat", 0)
        if not all(type(each) is int for each in (expires, begins, issued)):
            raise TokenInvalid("exp, nbf or iat is not a time.")
        audience, subject, roles = claims.get("aud"), claims.get("sub"), claims.get("roles", [])
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != self._issuer or self._audience not in audiences:
            raise TokenInvalid("The token is of another issuer or for another audience.")
        if not isinstance(subject, str) or _uuid.fullmatch(subject) is None:
            raise TokenInvalid("The subject is not a user.")
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            raise TokenInvalid("The roles are not names.")
        if max(begins, issued) > now + _LEEWAY_SECONDS:
            raise TokenInvalid("The token is not valid yet.")
        if now >= expires + _LEEWAY_SECONDS:
            raise TokenExpired("Ask the token endpoint for a new one.")
        session_id = claims.get("sid", "")
        if not isinstance(session_id, str):
            raise TokenInvalid("The session is not a name.")
        if self._revocations.have(subject, session_id):
            raise TokenRevoked("Sign in again.")
        good_until = min(expires + _LEEWAY_SECONDS, now + _CACHE_SECONDS)
        return Caller(subject, tuple(roles), good_until, session_id)


def _decode(part: str) -> bytes:
    """Return the bytes of a base64url part. Raises TokenInvalid for a second spelling of the same bytes."""
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise TokenInvalid("The token cannot be decoded.") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != part.encode():
        raise TokenInvalid("The token is not encoded in the one canonical way.")
    return raw


def _members(raw: bytes) -> dict[str, Any]:
    try:
        return load_object(raw)
    except NotStrictJson as wrong:
        raise TokenInvalid("The token does not hold JSON as it should.") from wrong
