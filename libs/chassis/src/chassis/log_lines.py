"""Where log lines are written: each at once, or those of a moment together.

A line costs a system call and wakes whoever reads it: a tenth of what a small request costs. Lines that wait are lost
with a process that is killed; so only those wait that tell of nothing wrong, for no longer than GATHERED_SECONDS.
"""

import logging
import threading
from collections.abc import Callable
from typing import TextIO

GATHERED_SECONDS = 0.05
ATOMIC_BYTES = 4096  # what several processes may write to one pipe without mixing (POSIX PIPE_BUF)

Later = Callable[[float, Callable[[], None]], object]


def _later(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


class Gathered:
    """Lines that wait to be written to a stream together. `later` calls what it is given once, after so many
    seconds."""

    def __init__(self, stream: TextIO, later: Later, write_out: Callable[[], None]) -> None:
        self._stream = stream
        self._later = later
        self._write_out = write_out
        self._lines: list[str] = []
        self._bytes = 0

    def write(self, line: str) -> None:
        size = len(line.encode(errors="replace"))
        if self._bytes + size > ATOMIC_BYTES:
            self.write_out()
        if not self._lines:
            self._later(GATHERED_SECONDS, self._write_out)
        self._lines.append(line)
        self._bytes += size

    def flush(self) -> None:
        """Do nothing: handlers ask for this behind each line."""

    def write_out(self) -> None:
        """Write all that waits."""
        lines, self._lines, self._bytes = self._lines, [], 0
        if lines:
            self._stream.write("".join(lines))
            self._stream.flush()


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes each record as a line to a stream, at once unless told to gather them."""

    _gathered: Gathered | None = None

    def gather(self, later: Later) -> None:
        """From now on write lines together, but a warning or worse at once, with all that waits before it."""
        self._gathered = Gathered(self.stream, later, self.write_out)
        self.setStream(self._gathered)  # type: ignore[arg-type]  # write and flush are all it uses

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or keep it to be written with others."""
        super().emit(record)
        if record.levelno >= logging.WARNING:
            self.write_out()

    def write_out(self) -> None:
        """Write what waits."""
        with self.lock:  # type: ignore[union-attr]  # only a handler nobody shares has none
            if self._gathered is not None:
                self._gathered.write_out()

    def close(self) -> None:
        """Write what waits, at the end of the process."""
        self.write_out()
        super().close()


def gather(later: Later = _later) -> None:
    """Have the lines of this process written together."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LineHandler):
            handler.gather(later)
