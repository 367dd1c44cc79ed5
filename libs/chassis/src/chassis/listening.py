"""The end of listening, so that no client is turned away that had been let in: a listening socket that is
closed resets what the kernel has accepted for it."""

import ctypes
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_SO_ATTACH_FILTER = 26
_HANDSHAKE_SECONDS = 0.1
# A classic BPF program over the TCP header: drop what has SYN without ACK, keep the rest.
_DROP_NEW = (
    (0x30, 0, 0, 13),  # ldb [13]: the flags
    (0x54, 0, 0, 0x12),  # and SYN|ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # keep
)


def refuse_new(listeners: Sequence[socket.socket]) -> None:
    """Have the kernel ignore new connection attempts (Linux, TCP): a client tries again within a second, and
    finds the next process, or nobody; meanwhile what was let in can be accepted. Where that cannot be done,
    nothing happens."""
    instructions = b"".join(struct.pack("HBBI", *each) for each in _DROP_NEW)
    program = ctypes.create_string_buffer(instructions)
    pointer = struct.pack("HL", len(_DROP_NEW), ctypes.addressof(program))
    for listener in listeners:
        if listener.family in (socket.AF_INET, socket.AF_INET6):
            try:
                listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)
            except OSError:
                return


def accept_the_rest(
    listeners: Sequence[socket.socket], accept: Callable[[float], None], until: float
) -> None:
    """Call `accept(seconds)` until handshakes that had begun are through and nobody waits any more, at most
    until a moment on the monotonic clock."""
    through = time.monotonic() + _HANDSHAKE_SECONDS
    while (now := time.monotonic()) < until:
        if now >= through and not select.select(listeners, [], [], 0)[0]:
            return
        accept(0.02)


def held_by(pid: int, listeners: Sequence[socket.socket]) -> bool:
    """Tell whether another process holds one of these sockets open: the parent lets go of them when all
    workers stop, and keeps them when one worker alone is replaced."""
    ours = {f"socket:[{os.fstat(listener.fileno()).st_ino}]" for listener in listeners}
    return any(_target(link) in ours for link in Path(f"/proc/{pid}/fd").glob("*"))


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""
