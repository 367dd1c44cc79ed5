"""Who calls: the access token of a request (RFC 9068), read strictly and verified once."""

import base64
import hashlib
import re
import time
import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import jwt

from chassis.errors import Unauthenticated
from gateway.issuers import Issuer
from gateway.keys import IssuerKeys, UnknownKey
from gateway.revocations import Revocations
from gateway.strict_json import NotStrictJson, load_object

_CACHE_SECONDS = 60.0  # a token is looked at anew that often: its key may have been withdrawn
_LEEWAY_SECONDS = 5
_LONGEST_TOKEN = 4096
_LONGEST_SUBJECT = 255
_HEADER_MEMBERS = frozenset({"alg", "typ", "kid"})
_ADMIN = ("admin",)

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
    """The user behind a token. `roles` are ours: "admin" or none. `good_until` is in Unix seconds; `session_id` is
    empty for a token of no session of ours."""

    user_id: str
    roles: tuple[str, ...]
    good_until: float
    session_id: str = ""


class Tokens:
    """Verifies the access tokens of some issuers, each once in a while; so many are remembered."""

    def __init__(
        self,
        issuers: Iterable[tuple[Issuer, IssuerKeys]],
        revocations: Revocations,
        *,
        remembered: int = 10_000,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._remembered = remembered
        self._issuers = {issuer.name: (issuer, keys) for issuer, keys in issuers}
        self._revocations = revocations
        self._now = now
        self._verified: dict[bytes, Caller] = {}

    def __len__(self) -> int:
        return len(self._verified)

    def caller(self, authorization: bytes, digest: bytes | None = None) -> Caller:
        """Return who sent an Authorization header, whose `digest_of` may be known. Raises TokenInvalid, TokenExpired or
        TokenRevoked, and KeysUnavailable while nothing can be verified."""
        if digest is None:
            digest = digest_of(authorization)
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
        header, claims, _ = (_decode(part) for part in token.split("."))
        members, said = _members(header), _members(claims)
        # What it says of its issuer only chooses the keys; only that issuer's can make it true.
        name = said.get("iss")
        issuer, keys = self._issuers.get(name, (None, None)) if isinstance(name, str) else (None, None)
        if issuer is None or keys is None:
            raise TokenInvalid("The token is of another issuer.")
        kid, algorithm = _of_header(members, issuer)
        self._revocations.wait_for_first()
        try:
            key = keys.find(kid)
            if algorithm not in key.algorithms:
                raise UnknownKey()
            jwt.PyJWS().decode(token, key.value, algorithms=[algorithm])
        except (jwt.PyJWTError, UnknownKey) as wrong:
            raise TokenInvalid("The signature is not that of the issuer.") from wrong
        caller = _read(said, issuer, now)
        if self._revocations.have(caller.user_id, caller.session_id):
            raise TokenRevoked("Sign in again.")
        return caller


def digest_of(authorization: bytes) -> bytes:
    """Return what a verified token is known by, and cannot be made up again from."""
    return hashlib.sha256(authorization).digest()


def _of_header(members: dict[str, Any], issuer: Issuer) -> tuple[str, str]:
    kid, algorithm = members.get("kid"), members.get("alg")
    if members.keys() - _HEADER_MEMBERS - issuer.hints or not isinstance(kid, str):
        raise TokenInvalid("The header is not that of a token of this issuer.")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
        raise TokenInvalid("The algorithm is not one of this issuer's.")
    if str(members.get("typ")).lower().removeprefix("application/") not in issuer.types:
        raise TokenInvalid("This is not an access token.")
    return kid, algorithm


def _read(claims: dict[str, Any], issuer: Issuer, now: float) -> Caller:
    audience, session_id = claims.get("aud"), claims.get("sid", "") if issuer.own else ""
    if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
        raise TokenInvalid("The token is for another audience.")
    if not isinstance(session_id, str):
        raise TokenInvalid("The session is not a name.")
    user_id, roles = _user_id(claims.get("sub"), issuer), _roles(claims, issuer)
    return Caller(user_id, roles, min(_expiry(claims, issuer, now), now + _CACHE_SECONDS), session_id)


def _expiry(claims: dict[str, Any], issuer: Issuer, now: float) -> float:
    expires, begins, issued = claims.get("exp"), claims.get("nbf", 0), claims.get("iat", 0)
    if not (type(expires) is int and type(begins) is int and type(issued) is int):
        raise TokenInvalid("exp, nbf or iat is not a time.")
    if max(begins, issued) > now + _LEEWAY_SECONDS:
        raise TokenInvalid("The token is not valid yet.")
    if now >= expires + _LEEWAY_SECONDS:
        raise TokenExpired("Ask the token endpoint for a new one.")
    # What was revoked is remembered for as long as tokens live, and no longer.
    if expires > now + issuer.longest_seconds + _LEEWAY_SECONDS:
        raise TokenInvalid("The token is good for too long.")
    return expires + _LEEWAY_SECONDS


def _user_id(subject: object, issuer: Issuer) -> str:
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise TokenInvalid("The subject is nobody.")
    if not issuer.subjects_are_users:
        return str(uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, issuer.name), _encodable(subject)))
    if _uuid.fullmatch(subject) is None:
        raise TokenInvalid("The subject is not a user.")
    return subject


def _encodable(subject: str) -> str:
    try:
        subject.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, written as an escape
        raise TokenInvalid("The subject is no text.") from None
    return subject


def _roles(claims: dict[str, Any], issuer: Issuer) -> tuple[str, ...]:
    held: Any = claims
    for step in issuer.roles_claim:
        held = held.get(step, []) if isinstance(held, dict) else None
        if held == []:
            return ()
    if not issuer.roles_claim:
        return ()
    if not isinstance(held, list) or not all(isinstance(role, str) for role in held):
        raise TokenInvalid("The roles are not names.")
    return _ADMIN if issuer.admin_role in held else ()


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
