"""Errors as RFC 9457 problem documents, and the one table from a kind of error to its HTTP status; pure."""

import math
from typing import Any

import orjson

from chassis import errors
from chassis.errors import FieldError, ServiceError

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[ServiceError], int] = {
    errors.BadRequest: 400,
    errors.Unauthenticated: 401,
    errors.Refused: 402,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.Invalid: 422,
    errors.TooManyRequests: 429,
    ServiceError: 500,
    errors.BadGateway: 502,
    errors.Unavailable: 503,
    errors.DeadlineExceeded: 504,
}


def status_of(error: ServiceError | type[ServiceError]) -> int:
    """Return the HTTP status of an error or an error class: that of its nearest kind."""
    kind = error if isinstance(error, type) else type(error)
    return next(STATUS[parent] for parent in kind.__mro__ if parent in STATUS)


def problem(error: ServiceError, request_id: str) -> dict[str, Any]:
    """Return the RFC 9457 document of an error: what a client may know and nothing else."""
    document: dict[str, Any] = {
        "type": f"urn:souk:problem:{error.code}",
        "title": error.title,
        "status": status_of(error),
        "detail": error.detail or error.title,
        "code": error.code,
        "request_id": request_id,
    }
    if error.errors:
        document["errors"] = [_field(each) for each in error.errors]
    return document


def problem_bytes(error: ServiceError, request_id: str) -> bytes:
    """Return the problem document as it goes over the wire."""
    return orjson.dumps(problem(error, request_id))


def problem_headers(error: ServiceError) -> dict[str, str]:
    """Return the headers that go with the document: Content-Type, never cached, and Retry-After in whole
    seconds (RFC 9110, section 10.2.3) or WWW-Authenticate where due."""
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(max(0, math.ceil(error.retry_after_seconds)))
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def _field(wrong: FieldError) -> dict[str, str]:
    where = {"parameter": wrong.parameter} if wrong.parameter else {"pointer": wrong.pointer}
    return {**where, "code": wrong.code, "detail": wrong.detail}
