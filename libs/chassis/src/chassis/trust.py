"""The trust bundle: a JWKS file (RFC 7517) of all who sign assertions; each key names its issuer in `iss`."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jwt
import orjson

from chassis.errors import Unauthenticated

_CHECK_EVERY_SECONDS = 1.0


class TrustBundle:
    """Issuer and public key by key id; made from a file, it follows the file."""

    def __init__(
        self,
        jwks: Mapping[str, Any] | None = None,
        *,
        path: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.generation = 0
        self._path = path
        self._monotonic = monotonic
        self._checked_at = 0.0
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[str, tuple[str, Any]] = {}
        if path is not None:
            self._read(path)
        elif jwks is not None:
            self._keys = _keys_of(jwks)

    @classmethod
    def load(cls, path: Path) -> "TrustBundle":
        """Read a bundle from a JWKS file and follow its changes. Raises OSError or ValueError when it
        cannot."""
        return cls(path=path)

    def key(self, kid: str) -> tuple[str, Any]:
        """Return issuer and public key of a key id. Raises Unauthenticated for one that is not in the
        bundle."""
        try:
            return self._keys[kid]
        except KeyError:
            raise Unauthenticated("Nobody known here signed this assertion.") from None

    def refresh(self) -> int:
        """Look at most once a second whether the file changed, and return the generation of the keys. A file
        that is gone or half written leaves the keys as they are."""
        now = self._monotonic()
        if self._path is None or now - self._checked_at < _CHECK_EVERY_SECONDS:
            return self.generation
        self._checked_at = now
        try:
            self._read(self._path)
        except (OSError, ValueError):
            return self.generation
        return self.generation

    def _read(self, path: Path) -> None:
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp == self._stamp:
            return
        self._keys = _keys_of(orjson.loads(path.read_bytes()))
        self._stamp = stamp
        self.generation += 1


def _keys_of(jwks: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Return what a JWKS holds. Raises ValueError when a key is not a public Ed25519 key that names its
    issuer."""
    try:
        return {each["kid"]: (each["iss"], _public(each)) for each in jwks["keys"]}
    except (KeyError, TypeError, jwt.PyJWTError) as wrong:
        raise ValueError("This is not a trust bundle.") from wrong


def _public(jwk: Mapping[str, Any]) -> Any:
    if jwk.get("crv") != "Ed25519" or "d" in jwk:
        raise ValueError("A trust bundle holds public Ed25519 keys.")
    return jwt.PyJWK(dict(jwk), algorithm="EdDSA").key
