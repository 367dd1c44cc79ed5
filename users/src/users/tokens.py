"""Adapter: access tokens, JWTs signed by RS256 (RFC 9068), and the public keys that verify them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm

from chassis.ids import new_id
from users.domain import Client, Role, User


class AccessTokens:
    """Signs with the first of the private keys and publishes the public half of all."""

    def __init__(
        self, private_keys: Sequence[jwt.PyJWK], *, issuer: str, audience: str, lifetime_seconds: int
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self.lifetime_seconds = lifetime_seconds
        self._signing_key = private_keys[0]
        self.public_keys = {"keys": [_public(key) for key in private_keys]}

    def sign(self, user: User, session_id: UUID, client: Client, now: datetime) -> str:
        issued_at = int(now.timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user.id),
            "sid": str(session_id),
            "client_id": client.id,
            "iat": issued_at,
            "exp": issued_at + self.lifetime_seconds,
            "jti": str(new_id()),
            "roles": ["admin"] if user.role is Role.ADMIN else [],
        }
        headers = {"typ": "at+jwt", "kid": self._signing_key.key_id}
        return jwt.encode(claims, self._signing_key, algorithm="RS256", headers=headers)


def read_private_keys(file: Path) -> list[jwt.PyJWK]:
    """Return the keys of a private JWKS file (RFC 7517) in its order. Raises ValueError when there are none."""
    try:
        keys = [private_key(jwk) for jwk in json.loads(file.read_text())["keys"]]
    except (ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
        raise ValueError(f"{file} is not a JWKS of private RSA keys") from error
    if not keys:
        raise ValueError(f"{file} holds no key")
    return keys


def private_key(jwk: Mapping[str, Any]) -> jwt.PyJWK:
    """Return a private JWK as a key for RS256. Raises ValueError, PyJWTError."""
    key = jwt.PyJWK.from_dict(dict(jwk), algorithm="RS256")
    if not isinstance(key.key, RSAPrivateKey) or not key.key_id:
        raise ValueError("a private RSA key with a kid is needed")
    return key


def _public(key: jwt.PyJWK) -> dict[str, Any]:
    numbers = RSAAlgorithm.to_jwk(key.key.public_key(), as_dict=True)
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": key.key_id,
        "n": numbers["n"],
        "e": numbers["e"],
    }
