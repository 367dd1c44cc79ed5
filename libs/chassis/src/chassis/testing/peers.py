"""A peer without a network: answers from a table, refuses and fails as the real one does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chassis.peer_answers import PeerError, PeerResponse
from chassis.presenting import dump_bytes


@dataclass(frozen=True)
class PeerCall:
    """One call that a FakePeer was asked for."""

    method: str
    path: str
    json: Any
    params: Mapping[str, Any] | None
    subject: str | None
    idempotency_key: str | None


@dataclass
class FakePeer:
    """Stands in for `chassis.peers.Peer`: `answers` maps (method, path) to (status, JSON), or to the
    exception that the call raises; what is not in it answers 404 `not_found`. `calls` holds what was asked,
    in order."""

    name: str = "peer"
    answers: dict[tuple[str, str], tuple[int, Any] | Exception] = field(default_factory=dict)
    calls: list[PeerCall] = field(default_factory=list)

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        subject: object = None,
        idempotency_key: object = None,
    ) -> PeerResponse:
        """Answer as `Peer.call` would."""
        key = None if idempotency_key is None else str(idempotency_key)
        self.calls.append(PeerCall(method, path, json, params, subject and str(subject), key))
        answer = self.answers.get((method, path), PeerError(404, "not_found"))
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        if status >= 400:
            said = body if isinstance(body, dict) else {}
            raise PeerError(status, said.get("code", ""), said.get("detail", ""))
        return PeerResponse(status, {"Content-Type": "application/json"}, dump_bytes(body))
