"""Request lines as they stood on the wire: llhttp tells their parts only, and takes more blanks and protocols than
there may be.

Only a line at a known place can be checked. A request begins where the one before ended, and where that is follows from
its framing.
"""

import re

_line = re.compile(rb"(?:\r\n)?[A-Z]+ [!-~]+ HTTP/[0-9]\.[0-9]\r\n")
_HEAD_END = b"\r\n\r\n"


def is_plain(raw: bytes | memoryview, place: int) -> bool:
    """Tell whether what begins there is a request line with one space where one belongs (RFC 9112, section 3); one
    empty line may stand before it (section 2.2)."""
    return _line.match(raw, place) is not None


def end_of(raw: bytes, place: int, length: int | None) -> int:
    """Return the place behind a request that has been read whole and begins at `place`; `length` is that of its body,
    None for a chunked one."""
    place = raw.index(_HEAD_END, place) + len(_HEAD_END)
    return _end_of_chunks(raw, place) if length is None else place + length


def _end_of_chunks(raw: bytes, place: int) -> int:
    while True:
        line_end = raw.index(b"\r\n", place)
        size = int(raw[place:line_end].partition(b";")[0], 16)
        place = line_end + 2 + size + 2
        if not size:
            return place
