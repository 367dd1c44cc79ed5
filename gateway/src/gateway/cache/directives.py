"""Cache-Control, read into names and arguments (RFC 9111, section 5.2)."""

import re
from collections.abc import Iterable

_LONGEST_SECONDS = 2**31  # what RFC 9111, section 1.2.2 has caches count to
_UNREADABLE = "?"  # no number, no name

_token = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_element = re.compile(rf'[ \t]*(?:({_token})(?:=(?:({_token})|"((?:[^"\\]|\\.)*)"))?)?[ \t]*(?:,|\Z)')


class Unreadable(ValueError):
    """The field is no list of directives."""


def read(values: Iterable[bytes]) -> dict[str, str]:
    """Return the directives of all lines of the field: lower-case names and their arguments, "" where there is none;
    one that is there twice with two arguments has an argument that means nothing. Raises Unreadable."""
    directives: dict[str, str] = {}
    text, at = ", ".join(value.decode("latin-1") for value in values), 0
    while at < len(text):
        match = _element.match(text, at)
        if match is None:
            raise Unreadable(text)
        at = match.end()
        if match[1] is None:
            continue
        name, argument = match[1].lower(), match[2] or match[3] or ""
        directives[name] = argument if directives.get(name, argument) == argument else _UNREADABLE
    return directives


def seconds(directives: dict[str, str], name: str) -> int | None:
    """Return the argument of a directive in seconds, None without that directive; 0 where it is no number."""
    text = directives.get(name)
    if text is None:
        return None
    return whole_seconds(text)


def whole_seconds(text: str) -> int:
    """Return delta-seconds (RFC 9111, section 1.2.2), 0 for what is none."""
    if not (text.isascii() and text.isdigit()):
        return 0
    digits = text.lstrip("0") or "0"
    return _LONGEST_SECONDS if len(digits) > 10 else min(int(digits), _LONGEST_SECONDS)
