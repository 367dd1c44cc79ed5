"""What comes of a call to another service: its answer, its refusal, or what went wrong on the way.

ServiceError
  PeerUnavailable (Unavailable)       it cannot be reached, says it cannot serve, or its breaker is open
  PeerTimeout (DeadlineExceeded)      it did not answer in time: it may or may not have done what was asked
  PeerNonsense (BadGateway)           it answered what nobody can read
PeerError                             it refused: `status` and `code` of its problem document, to be translated
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from chassis.errors import BadGateway, DeadlineExceeded, Unavailable


class PeerUnavailable(Unavailable):
    code = "peer_unavailable"


class PeerTimeout(DeadlineExceeded):
    code = "peer_timeout"
    title = "A part this needs did not answer in time"


class PeerNonsense(BadGateway):
    code = "peer_nonsense"


class PeerError(Exception):
    """The peer refused the request: `status` is 4xx, `code` its problem document's ("" without one)."""

    def __init__(self, status: int, code: str = "", detail: str = "") -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class PeerResponse:
    """What a peer answered, with a status of 2xx or 3xx."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """Return the body's JSON. Raises PeerNonsense if it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as wrong:
            raise PeerNonsense() from wrong
