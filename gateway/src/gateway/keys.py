"""The token issuer's public keys: fetched ahead, at once for a new one, kept while the issuer is down."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import gevent
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chassis.errors import Unavailable
from gateway.fetching import FetchFailed

# What may sign a token, and the kind of key it takes. A shared secret would let everybody sign who can verify.
ALGORITHMS: Mapping[str, str] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
_SMALLEST_KEY_BITS = 2048
_LONGEST_KID = 128
_FIRST_RETRY_SECONDS = 0.5
_log = logging.getLogger(__name__)


class KeysUnavailable(Unavailable):
    code = "keys_unavailable"
    title = "No key to check access tokens with has been fetched yet"


class UnknownKey(Exception):
    """The issuer has no key of that id."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key and the algorithms it is for."""

    value: RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
    algorithms: frozenset[str]


class IssuerKeys:
    """Public keys by key id. `fetch` returns a JWKS (RFC 7517) or raises FetchFailed; keys for other algorithms than
    these are left out."""

    def __init__(
        self,
        fetch: Callable[[], bytes],
        algorithms: Collection[str],
        *,
        refresh_seconds: float,
        cooldown_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._algorithms = frozenset(algorithms)
        self._refresh_seconds = refresh_seconds
        self._cooldown_seconds = cooldown_seconds
        self._monotonic = monotonic
        self._keys: dict[str, PublicKey] = {}
        self._tried_at = float("-inf")
        self._fetching = threading.Lock()

    def find(self, kid: str) -> PublicKey:
        """Return the key of an id, fetching once for one that is new, at most once in each cooldown.

        Raises UnknownKey, or KeysUnavailable when none was ever fetched.
        """
        key = self._keys.get(kid)
        if key is None and len(kid) <= _LONGEST_KID:
            self._fetch_unless_just_tried()
            key = self._keys.get(kid)
        if key is not None:
            return key
        if not self._keys:
            raise KeysUnavailable(retry_after_seconds=self._cooldown_seconds)
        raise UnknownKey()  # which one is not told: a stranger chose it, and this is logged

    def refresh(self) -> bool:
        """Fetch the keys and return whether that went well; the old ones stay when it did not."""
        self._tried_at = self._monotonic()
        try:
            keys = _read(self._fetch(), self._algorithms)
        except FetchFailed as failure:
            _log.warning("issuer keys not fetched", extra={"cause": str(failure)})
            return False
        if keys.keys() != self._keys.keys():
            _log.info("issuer keys changed", extra={"kids": sorted(keys)})
        self._keys = keys
        return True

    def keep_fresh(self) -> NoReturn:
        """Fetch for ever: soon again, ever less soon, while it fails; the greenlet of it runs beside the requests."""
        pause = _FIRST_RETRY_SECONDS
        while True:
            with self._fetching:
                fetched = self.refresh()
            pause = self._refresh_seconds if fetched else min(pause * 2, self._refresh_seconds)
            gevent.sleep(pause)
            if fetched:
                pause = _FIRST_RETRY_SECONDS

    def _fetch_unless_just_tried(self) -> None:
        # Whoever waits here finds, once it is let in, that the keys have just been fetched.
        with self._fetching:
            if self._monotonic() - self._tried_at >= self._cooldown_seconds:
                self.refresh()


def _read(body: bytes, algorithms: frozenset[str]) -> dict[str, PublicKey]:
    try:
        entries = orjson.loads(body)["keys"]
        keys = {entry["kid"]: key for entry in entries if (key := _public_key(entry, algorithms)) is not None}
    except (ValueError, KeyError, TypeError) as wrong:
        raise FetchFailed(f"the answer is not a JWKS: {wrong}") from wrong
    if not keys:
        raise FetchFailed("the answer holds no key that can be used")
    return keys


def _public_key(entry: Any, algorithms: frozenset[str]) -> PublicKey | None:
    """Return the key of a JWKS entry, or None for one that is not for our purpose (RFC 7517, section 5)."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or "d" in entry:
        return None
    if not isinstance(entry.get("kid"), str) or len(entry["kid"]) > _LONGEST_KID:
        return None
    usable = {each for each in algorithms if entry.get("kty") == ALGORITHMS[each]}
    if "alg" in entry:
        usable = {each for each in usable if each == entry["alg"]}
    if not usable:
        return None
    try:
        key = jwt.PyJWK(dict(entry), algorithm=min(usable)).key
    except (jwt.PyJWTError, ValueError):  # a point that is not on its curve is a ValueError
        return None
    return PublicKey(key, frozenset(usable)) if _strong(key) else None


def _strong(key: object) -> bool:
    match key:
        case RSAPublicKey():
            return key.key_size >= _SMALLEST_KEY_BITS
        case EllipticCurvePublicKey():
            return isinstance(key.curve, SECP256R1)
        case _:
            return isinstance(key, Ed25519PublicKey)
