"""Lines that are written together."""

import io
import logging

import pytest

from chassis.log_lines import ATOMIC_BYTES, GATHERED_SECONDS, LineHandler


class Pipe(io.StringIO):
    """A stream that remembers how it was written to."""

    def __init__(self):
        super().__init__()
        self.blocks = []

    def write(self, text):
        self.blocks.append(text)
        return super().write(text)


@pytest.fixture
def pipe():
    return Pipe()


@pytest.fixture
def later():
    """What is to be called later, with its seconds."""
    return []


@pytest.fixture
def log(pipe, later):
    handler = LineHandler(pipe)
    handler.gather(lambda seconds, call: later.append((seconds, call)))
    log = logging.Logger("lines")
    log.addHandler(handler)
    yield log
    handler.close()


def test_lines_of_a_moment_are_one_write(log, pipe, later):
    for number in range(3):
        log.info("line %d", number)
    assert pipe.blocks == []
    [(seconds, call)] = later
    call()
    assert (seconds, pipe.blocks) == (GATHERED_SECONDS, ["line 0\nline 1\nline 2\n"])
    log.info("line 3")
    assert len(later) == 2


@pytest.mark.parametrize("level", [logging.WARNING, logging.ERROR, logging.CRITICAL])
def test_what_is_wrong_is_told_at_once_behind_what_came_before(log, pipe, level):
    log.info("before")
    log.log(level, "wrong")
    assert pipe.getvalue() == "before\nwrong\n"


def test_no_write_is_larger_than_what_a_pipe_keeps_whole(log, pipe):
    for number in range(200):
        log.info("%03d %s", number, "ä" * 50)
    log.handlers[0].write_out()
    assert [line[:3] for line in pipe.getvalue().splitlines()] == [f"{number:03}" for number in range(200)]
    assert len(pipe.blocks) > 1
    assert all(len(block.encode()) <= ATOMIC_BYTES and block.endswith("\n") for block in pipe.blocks)


def test_a_line_longer_than_that_is_written_alone(log, pipe):
    log.info("short")
    log.info("x" * 2 * ATOMIC_BYTES)
    log.info("short again")
    log.handlers[0].write_out()
    assert [len(block) for block in pipe.blocks] == [6, 2 * ATOMIC_BYTES + 1, 12]


def test_nothing_is_left_behind_at_the_end(log, pipe):
    log.info("the last words")
    log.handlers[0].close()
    assert pipe.getvalue() == "the last words\n"


def test_a_handler_that_gathers_nothing_writes_each_line(pipe):
    handler = LineHandler(pipe)
    handler.handle(logging.makeLogRecord({"msg": "one", "levelno": logging.INFO}))
    assert pipe.getvalue() == "one\n"
