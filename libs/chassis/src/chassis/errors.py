"""The one error vocabulary, from domain to problem document; knows neither HTTP nor Flask.

    ServiceError                 what a client may know about a failure
      BadRequest                 the request cannot be read
      Unauthenticated            nobody vouches for the caller
      Refused                    understood and declined for good (a card, a limit)
      Forbidden                  the caller is known and may not
      NotFound                   no such thing, or not the caller's
      MethodNotAllowed           the thing exists and cannot be asked that
      Conflict                   the thing is in another state than the request needs
      TooLarge                   the body is over the limit
      UnsupportedMediaType       the body is in a form nobody reads here
      Invalid                    read, and wrong: each field says why
      TooManyRequests            later, please
      BadGateway                 a peer answered nonsense
      Unavailable                a part this needs is down
      DeadlineExceeded           the time given is used up

A service's own errors subclass a kind and set `code` and `title`; the kind decides the status (see
problems.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: `pointer` is an RFC 6901 pointer into the body ("" is the body), `parameter` names a
    header or query parameter instead. `code` is stable; `detail` is for people."""

    pointer: str
    code: str
    detail: str
    parameter: str = ""


class ServiceError(Exception):
    """A failure that a client may know about: a stable `code`, a `title`, and this occurrence's `detail`."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds


class BadRequest(ServiceError):
    code = "bad_request"
    title = "The request cannot be read"


class MalformedJson(BadRequest):
    code = "malformed_json"
    title = "The body is not JSON"


class MalformedQuery(BadRequest):
    code = "malformed_query"
    title = "The query string cannot be read"


class MalformedForm(BadRequest):
    code = "malformed_form"
    title = "The form cannot be read"


class Unauthenticated(ServiceError):
    code = "assertion_invalid"
    title = "Nobody vouches for this request"


class AssertionMissing(Unauthenticated):
    code = "assertion_missing"


class Refused(ServiceError):
    code = "refused"
    title = "Refused"


class Forbidden(ServiceError):
    code = "forbidden"
    title = "This caller may not do that"


class NotFound(ServiceError):
    code = "not_found"
    title = "There is no such thing"


class MethodNotAllowed(ServiceError):
    code = "method_not_allowed"
    title = "This cannot be asked with that method"


class Conflict(ServiceError):
    code = "conflict"
    title = "The state of the thing does not allow this"


class TooLarge(ServiceError):
    code = "body_too_large"
    title = "The body is over the limit"


class UnsupportedMediaType(ServiceError):
    code = "unsupported_media_type"
    title = "The body is in a form nobody reads here"


class Invalid(ServiceError):
    code = "validation_failed"
    title = "Some fields are wrong"


class TooManyRequests(ServiceError):
    code = "too_many_requests"
    title = "Too many requests"


class BadGateway(ServiceError):
    code = "bad_gateway"
    title = "A part this needs answered nonsense"


class Unavailable(ServiceError):
    code = "unavailable"
    title = "A part this needs is down"


class DeadlineExceeded(ServiceError):
    code = "deadline_exceeded"
    title = "The time given to this request is used up"
