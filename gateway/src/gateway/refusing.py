"""Refusals of the gateway as a client gets them: problem documents (RFC 9457), or errors of OAuth (RFC 6749)."""

import re
from email.utils import formatdate

import orjson

from chassis.errors import ServiceError
from chassis.problems import problem, problem_headers, status_of
from gateway.front.refusals import Refusal
from gateway.identity import NotSignedIn
from gateway.rates import RateLimited
from gateway.routes import WrongMethod

# What RFC 6749, section 5.2 leaves out of an error_description.
_unsayable = re.compile(r"[^ !#-\[\]-~]")


def explain(
    error: ServiceError, request_id: str, made: bytes, *, oauth: bool = False
) -> tuple[int, bytes, bytes]:
    """Return status, header lines (with those that are made for every answer) and body of the reply that tells a client
    about an error."""
    status = refusal_status(error)
    fields = problem_headers(error) | {"Date": formatdate(usegmt=True), "X-Request-ID": request_id}
    if isinstance(error, NotSignedIn):
        fields["WWW-Authenticate"] = error.challenge
    if isinstance(error, WrongMethod):
        fields["Allow"] = error.allowed
    if oauth:
        fields |= {"Content-Type": "application/json", "Pragma": "no-cache"}
        document = _oauth_error(error, status)
    else:
        document = problem(error, request_id) | {"status": status}
    lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in fields.items()).encode()
    if isinstance(error, RateLimited):
        lines += error.fields
    return status, made + lines, orjson.dumps(document)


def refusal_status(error: ServiceError | type[ServiceError]) -> int:
    """Return the status an error, or each of its kind, is told with."""
    kind = error if isinstance(error, type) else type(error)
    return kind.status if issubclass(kind, Refusal) else status_of(error)


def oauth_code(status: int) -> str:
    """Return the `error` of RFC 6749 that a status is told with."""
    if status == 500:
        return "server_error"
    return "temporarily_unavailable" if status == 429 or status > 500 else "invalid_request"


def _oauth_error(error: ServiceError, status: int) -> dict[str, str]:
    return {
        "error": oauth_code(status),
        "error_description": _unsayable.sub("'", error.detail or error.title),
    }
