"""Refusals of the gateway as a client gets them: problem documents (RFC 9457) with the fields that go with each."""

from email.utils import formatdate

import orjson

from chassis.errors import ServiceError
from chassis.problems import problem, problem_headers, status_of
from gateway.front.refusals import Refusal
from gateway.identity import NotSignedIn
from gateway.routes import WrongMethod


def explain(error: ServiceError, request_id: str) -> tuple[int, bytes, bytes]:
    """Return status, header lines and body of the reply that tells a client about an error."""
    status = error.status if isinstance(error, Refusal) else status_of(error)
    fields = problem_headers(error) | {"Date": formatdate(usegmt=True), "X-Request-ID": request_id}
    if isinstance(error, NotSignedIn):
        fields["WWW-Authenticate"] = error.challenge
    if isinstance(error, WrongMethod):
        fields["Allow"] = error.allowed
    lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in fields.items())
    return status, lines.encode(), orjson.dumps(problem(error, request_id) | {"status": status})
