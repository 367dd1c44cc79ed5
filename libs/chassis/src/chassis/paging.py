"""Pages of a list and the opaque cursor between them: a position is the id of the last item seen; pure."""

import base64
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from chassis.errors import FieldError, Invalid

T = TypeVar("T")

# 16 bytes are 21 base64url characters and 2 bits: the last character can only be one of four.
CURSOR_PATTERN = "^[A-Za-z0-9_-]{21}[AQgw]$"
_cursor = re.compile(CURSOR_PATTERN.rstrip("$") + r"\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list in order, and the cursor of the next page (None at the end)."""

    items: Sequence[T]
    next_cursor: str | None = None


def encode_cursor(position: uuid.UUID) -> str:
    """Return the 22-character cursor of a position."""
    return base64.urlsafe_b64encode(position.bytes).rstrip(b"=").decode("ascii")


def decode_cursor(text: str) -> uuid.UUID:
    """Return the position of a cursor. Raises Invalid for anything that `encode_cursor` cannot have made."""
    if not _cursor.match(text):
        wrong = FieldError(pointer="", parameter="cursor", code="invalid", detail="This is not a cursor.")
        raise Invalid("The cursor is not one of ours.", errors=[wrong])
    return uuid.UUID(bytes=base64.urlsafe_b64decode(text + "=="))
