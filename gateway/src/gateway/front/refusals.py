"""What the front refuses before anyone reads the request: each kind with its status, its code and its title."""

from typing import ClassVar

from chassis.errors import ServiceError


class Refusal(ServiceError):
    """A request that is not served, whatever it asks; its connection is closed after the answer."""

    status: ClassVar[int] = 400


class MalformedRequest(Refusal):
    code = "malformed_request"
    title = "The request is not well-formed HTTP"


class RequestTimedOut(Refusal):
    status = 408
    code = "request_timeout"
    title = "The request did not arrive in time"


class TargetTooLong(Refusal):
    status = 414
    code = "target_too_long"
    title = "The request target is over the limit"


class ExpectationRefused(Refusal):
    status = 417
    code = "expectation_failed"
    title = "No expectation but 100-continue is met here"


class HeadTooLarge(Refusal):
    status = 431
    code = "header_too_large"
    title = "The header fields are over the limit"


class UnknownMethod(Refusal):
    status = 501
    code = "method_not_implemented"
    title = "No resource here has this method"


class UnknownCoding(Refusal):
    status = 501
    code = "transfer_coding_not_implemented"
    title = "No transfer coding but chunked is read here"


class UpgradeRefused(Refusal):
    status = 501
    code = "upgrade_not_implemented"
    title = "No other protocol is spoken here"


class UnknownVersion(Refusal):
    status = 505
    code = "version_not_supported"
    title = "HTTP/1.1 and HTTP/1.0 are spoken here"


class TooManyConnections(Refusal):
    status = 503
    code = "too_many_connections"
    title = "All connections are taken"
