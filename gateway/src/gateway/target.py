"""The request target, read in one strict way: what is forwarded is what was checked."""

import re

from gateway.front.refusals import Refusal

# No route needs percent-encoding, and each encoded byte is one more spelling of the same path for someone behind us:
# none is allowed there. Segments of dots, empty segments, ";" and "\" are refused by what is missing here.
_path = re.compile(rb"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~!$&'()*+,=:@-]+)*/?")
_query = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%(?!00)[0-9A-Fa-f]{2})*")


class MalformedTarget(Refusal):
    code = "malformed_target"
    title = "The request target is not a plain path and query"


def read_path(target: bytes) -> str:
    """Return the path of a raw request target in origin form (RFC 9112, section 3.2.1).

    Raises MalformedTarget for any other form, and for every path that two readers could read in two ways.
    """
    path, _, query = target.partition(b"?")
    if not path or _path.fullmatch(path) is None:
        raise MalformedTarget("The path has an empty or a dot segment, or a character no path here has.")
    if _query.fullmatch(query) is None:
        raise MalformedTarget("The query has a character that must be percent-encoded, or a bad encoding.")
    return path.decode("ascii")
