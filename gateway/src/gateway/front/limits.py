"""What one client may take: sizes in bytes, times in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`body_seconds` is the time each 64 KiB of a body has to arrive, `write_seconds` the time a client has to take
    what it is sent; `head_seconds` runs from a head's first byte, `idle_seconds` while none has come."""

    connections: int = 4096
    target_bytes: int = 8192
    head_bytes: int = 16384
    fields: int = 100
    idle_seconds: float = 75.0
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    write_seconds: float = 10.0
