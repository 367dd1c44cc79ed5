"""Assertions: who a request speaks for, as a short JWT (RFC 7519, EdDSA of RFC 8037) that every service
verifies.

The gateway signs for clients, a service that calls a peer signs for itself; the receiver believes nothing
else.
"""

import base64
import hashlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.errors import Unauthenticated
from chassis.trust import TrustBundle

TYPE = "souk-assertion+jwt"
MAX_LIFETIME_SECONDS = 60
LEEWAY_SECONDS = 5
_SIGN_ANEW_SECONDS = 15  # a cached assertion is not handed out when it has less than this to live
_CACHED = 4096
_MAX_CHARACTERS = 8192
_STANDARD = frozenset({"iss", "aud", "sub", "iat", "exp", "jti", "act", "roles"})


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a verified assertion says. `subject` is the user's id as text, `user_id` as UUID, both None for an
    anonymous caller; `actor` is the service that calls for that user (RFC 8693, section 4.1); `expires_at` is
    in Unix seconds."""

    issuer: str
    subject: str | None = None
    roles: frozenset[str] = frozenset()
    actor: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    expires_at: float = float("inf")
    user_id: uuid.UUID | None = None


def generate_key(issuer: str) -> tuple[dict[str, str], dict[str, str]]:
    """Make an Ed25519 key pair of an issuer: the private JWK (RFC 8037) and the public one for the trust
    bundle."""
    private = Ed25519PrivateKey.generate()
    x, d = _base64url(private.public_key().public_bytes_raw()), _base64url(private.private_bytes_raw())
    shared = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": str(uuid.uuid4()), "x": x}
    return {**shared, "d": d}, {**shared, "iss": issuer}


class Signer:
    """Signs the assertions of one issuer, and hands out the same one again while it is fresh enough."""

    def __init__(
        self, private_jwk: Mapping[str, str], issuer: str, *, now: Callable[[], float] = time.time
    ) -> None:
        self.issuer = issuer
        self._key = jwt.PyJWK(dict(private_jwk), algorithm="EdDSA").key
        self._headers = {"typ": TYPE, "kid": private_jwk["kid"]}
        self._now = now
        self._signed: dict[tuple[Any, ...], tuple[str, float]] = {}

    @classmethod
    def load(cls, path: Path, issuer: str) -> "Signer":
        """Read the private JWK file of an issuer."""
        return cls(orjson.loads(path.read_bytes()), issuer)

    def sign(
        self,
        audience: str,
        subject: str | None,
        claims: Mapping[str, Any] | None = None,
        actor: str | None = None,
        lifetime_seconds: int = MAX_LIFETIME_SECONDS,
    ) -> str:
        """Return an assertion to `audience` about `subject` (a user's id; None: anonymous) with the claims
        given (`roles`: a list of names), made by `actor` for that user; it is good for at most 60 seconds."""
        wanted = (
            audience,
            subject,
            orjson.dumps(claims, option=orjson.OPT_SORT_KEYS),
            actor,
            lifetime_seconds,
        )
        token, fresh_until = self._signed.get(wanted, ("", 0.0))
        now = self._now()
        if now < fresh_until:
            return token
        payload: dict[str, Any] = {**(claims or {}), "iss": self.issuer, "aud": audience}
        payload |= {"iat": int(now), "exp": int(now) + min(lifetime_seconds, MAX_LIFETIME_SECONDS)}
        if subject is not None:
            payload["sub"] = subject
        if actor is not None:
            payload["act"] = {"sub": actor}
        token = jwt.encode(payload, self._key, algorithm="EdDSA", headers=self._headers)
        _make_room(self._signed)
        self._signed[wanted] = (token, payload["exp"] - _SIGN_ANEW_SECONDS)
        return token


class Verifier:
    """Verifies assertions made for one audience by the issuers of a trust bundle; each is verified once."""

    def __init__(self, bundle: TrustBundle, audience: str, *, now: Callable[[], float] = time.time) -> None:
        self._bundle = bundle
        self._audience = audience
        self._now = now
        self._verified: dict[bytes, Assertion] = {}
        self._generation = bundle.generation

    def verify(self, token: str) -> Assertion:
        """Return what the assertion says. Raises Unauthenticated unless it is signed with the key of its
        issuer, for this audience, not expired (5 s of leeway) and not made for longer than 60 s."""
        if self._bundle.refresh() != self._generation:
            self._generation = self._bundle.generation
            self._verified = {}  # a key that was withdrawn vouches for nobody
        verified = self._verified
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = verified.get(digest)
        if known is not None and self._now() < known.expires_at + LEEWAY_SECONDS:
            return known
        assertion = self._verify(token)
        _make_room(verified)
        verified[digest] = assertion
        return assertion

    def _verify(self, token: str) -> Assertion:
        if len(token) > _MAX_CHARACTERS:
            raise Unauthenticated("The assertion is too long.")
        try:
            header = jwt.get_unverified_header(token)
            issuer, key = self._bundle.key(str(header.get("kid")))
            payload = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=self._audience,
                issuer=issuer,
                # Expiry is checked below, against the clock that was given.
                options={"require": ["exp", "iat", "iss", "aud"], "strict_aud": True, "verify_exp": False}
                | {"verify_iat": False},
            )
        except (jwt.PyJWTError, UnicodeError) as wrong:
            raise Unauthenticated("The assertion cannot be verified.") from wrong
        if header.get("typ") != TYPE:
            raise Unauthenticated("This token is not an assertion.")
        return self._read(payload)

    def _read(self, payload: Mapping[str, Any]) -> Assertion:
        issued, expires, now = payload["iat"], payload["exp"], self._now()
        subject, roles, act = payload.get("sub"), payload.get("roles", []), payload.get("act", {})
        if type(issued) is not int or type(expires) is not int or expires - issued > MAX_LIFETIME_SECONDS:
            raise Unauthenticated("The assertion is good for too long.")
        if now >= expires + LEEWAY_SECONDS or issued > now + LEEWAY_SECONDS:
            raise Unauthenticated("The assertion is not good at this time.")
        if not _names(roles) or not isinstance(act, dict) or not isinstance(act.get("sub", ""), str):
            raise Unauthenticated("The assertion says something unreadable.")
        rest = {name: value for name, value in payload.items() if name not in _STANDARD}
        user_id = None if subject is None else _user_id(subject)
        return Assertion(payload["iss"], subject, frozenset(roles), act.get("sub"), rest, expires, user_id)


def _user_id(subject: str) -> uuid.UUID:
    try:
        return uuid.UUID(subject)
    except ValueError:
        raise Unauthenticated("The assertion's subject is not a user id.") from None


def _names(value: object) -> bool:
    return (
        isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(x, str) for x in value)
    )


def _make_room(cache: dict[Any, Any]) -> None:
    while len(cache) >= _CACHED:
        cache.pop(next(iter(cache), None), None)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
