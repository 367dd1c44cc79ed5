"""The token issuer's public keys: fetched ahead, at once for a new one, kept while the issuer is down."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

import gevent
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chassis.errors import Unavailable
from gateway.fetching import FetchFailed

ALGORITHM = "RS256"
_SMALLEST_KEY_BITS = 2048
_LONGEST_KID = 128
_FIRST_RETRY_SECONDS = 0.5
_log = logging.getLogger(__name__)


class KeysUnavailable(Unavailable):
    code = "keys_unavailable"
    title = "No key to check access tokens with has been fetched yet"


class UnknownKey(Exception):
    """The issuer has no key of that id."""


class IssuerKeys:
    """Public keys by key id. `fetch` returns a JWKS (RFC 7517) or raises FetchFailed."""

    def __init__(
        self,
        fetch: Callable[[], bytes],
        *,
        refresh_seconds: float,
        cooldown_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._refresh_seconds = refresh_seconds
        self._cooldown_seconds = cooldown_seconds
        self._monotonic = monotonic
        self._keys: dict[str, RSAPublicKey] = {}
        self._tried_at = float("-inf")
        self._fetching = threading.Lock()

    def find(self, kid: str) -> RSAPublicKey:
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
            keys = _read(self._fetch())
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


def _read(body: bytes) -> dict[str, RSAPublicKey]:
    try:
        entries = orjson.loads(body)["keys"]
        keys = {entry["kid"]: key for entry in entries if (key := _public_key(entry)) is not None}
    except (ValueError, KeyError, TypeError) as wrong:
        raise FetchFailed(f"the answer is not a JWKS: {wrong}") from wrong
    if not keys:
        raise FetchFailed("the answer holds no key that can be used")
    return keys


def _public_key(entry: Any) -> RSAPublicKey | None:
    """Return the key of a JWKS entry, or None for one that is not for our purpose (RFC 7517, section 5)."""
    fit = (
        isinstance(entry, dict)
        and entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", ALGORITHM) == ALGORITHM
    )
    if not fit or not isinstance(entry.get("kid"), str) or len(entry["kid"]) > _LONGEST_KID or "d" in entry:
        return None
    try:
        key = jwt.PyJWK(dict(entry), algorithm=ALGORITHM).key
    except jwt.PyJWTError:
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= _SMALLEST_KEY_BITS else None
