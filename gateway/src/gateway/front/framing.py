"""What the fields of a request must say before it is one: whom it is for, and where it ends."""

import re
from typing import TYPE_CHECKING

from gateway.front.refusals import ExpectationRefused, MalformedRequest, UnknownCoding

if TYPE_CHECKING:
    from gateway.front.request import Request

_host = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def check_host(request: "Request") -> None:
    """Raise MalformedRequest unless Host is there and names one."""
    host = request.single.get(b"host")
    if host is None:
        if not request.http_10:
            raise MalformedRequest("Host is missing.")
    elif _host.fullmatch(host) is None:
        raise MalformedRequest("Host is not the name of a host.")


def read_framing(request: "Request") -> None:
    """Note how long the body is, and whether it is waited for. Raises Refusal."""
    single = request.single
    if b"content-length" in single:
        request.length = int(single[b"content-length"])
    elif b"transfer-encoding" in single:
        if request.http_10:
            raise MalformedRequest("HTTP/1.0 has no Transfer-Encoding.")
        if single[b"transfer-encoding"].lower() != b"chunked":
            raise UnknownCoding()
        request.length = None
    if b"expect" in single:
        if single[b"expect"].lower() != b"100-continue":
            raise ExpectationRefused()
        request.expects_continue = not request.http_10 and request.length != 0
