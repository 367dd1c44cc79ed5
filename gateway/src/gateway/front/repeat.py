"""Requests that are, behind their first line, byte for byte the one before on their connection, as those of one browser
or app mostly are: what was read of that header, and found to be in order, is so still.

Only what cannot be read in a second way is taken here; the parser reads all else. A request taken here came in one
piece and was that piece's only one; its first line has a known method, a target in origin form of characters that stand
for themselves, and HTTP/1.1; nothing in its header frames a body or changes the protocol, so that it ends with its
header and the connection goes on. The parser, which does not see it, stands between two messages before and after it.
"""

import re
from collections.abc import KeysView

_line = re.compile(
    rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*) HTTP/1\.1\r\n"
)
_HEAD_END = b"\r\n\r\n"
_FRAMING = frozenset((b"content-length", b"transfer-encoding", b"expect", b"upgrade"))


class Lines:
    """The header lines of a request, from behind its first line to their end."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def first_line_before(self, piece: memoryview) -> tuple[bytes, bytes]:
        """Return the method and the target of a piece that is one request with these very lines; empty for all else."""
        raw = bytes(piece)
        match = _line.match(raw)
        if match is None or raw[match.end() :] != self._raw:
            return b"", b""
        return match[1], match[2]


def lines_of(raw: bytes, target: bytes, names: KeysView[bytes]) -> Lines | None:
    """Return the header lines of a request that has just been read and whose connection goes on, with these names in
    lower case; None unless `raw` is that request, whole and nothing else, and without a body."""
    match = _line.match(raw)
    if match is None or match[2] != target or raw.find(_HEAD_END) != len(raw) - len(_HEAD_END):
        return None
    return Lines(raw[match.end() :]) if _FRAMING.isdisjoint(names) else None
