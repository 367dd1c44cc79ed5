"""Answers off the wire: what is one, and the corpus of what is none."""

import pytest

from gateway.upstream.answer import AnswerReader
from gateway.upstream.failures import BadUpstreamAnswer

OK = b"HTTP/1.1 200 OK\r\n"

NONE = {
    "a text": b"hello world\r\n",
    "two framings": OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a coding that is not ours": OK + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "a coding before chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "a status that is none": b"HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 OK\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "lines ended by LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a folded line": OK + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a bad chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
    "a head without end": OK + b"A: b\r\n" * 12_000,
}


def read(*pieces, method="GET"):
    reader = AnswerReader()
    answer = reader.expect(method)
    for piece in pieces:
        reader.feed(memoryview(piece))
    return reader, answer


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_answer_is_refused(name):
    with pytest.raises(BadUpstreamAnswer):
        read(NONE[name])


def test_an_answer_with_a_length_is_read():
    reader, answer = read(OK + b"Content-Type: a/b\r\nContent-Length: 5\r\n\r\nhello")
    assert (answer.status, answer.length, answer.take(), answer.complete) == (200, 5, b"hello", True)
    assert answer.fields == [(b"content-type", b"a/b"), (b"content-length", b"5")]
    assert reader.reusable


def test_a_chunked_answer_is_read_and_its_trailers_dropped():
    reader, answer = read(
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"0\r\nSet-Cookie: x=1\r\n\r\n"
    )
    assert (answer.length, answer.take(), answer.complete) == (None, b"abc", True)
    assert b"set-cookie" not in dict(answer.fields) and reader.reusable


def test_an_answer_may_end_with_its_connection():
    reader, answer = read(OK + b"\r\nhello")
    assert not answer.complete
    reader.end()
    assert answer.complete and answer.take() == b"hello" and not reader.reusable


@pytest.mark.parametrize(
    "cut", [OK, OK + b"Content-Length: 5\r\n\r\nhel", OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
)
def test_an_answer_that_ends_too_early_is_none(cut):
    reader, _ = read(cut)
    with pytest.raises(BadUpstreamAnswer):
        reader.end()


def test_the_answer_to_head_ends_with_its_head_and_another_may_follow():
    reader, answer = read(OK + b"Content-Length: 94\r\n\r\n", method="HEAD")
    assert answer.complete and answer.length == 94 and reader.reusable
    following = reader.expect("GET")
    reader.feed(memoryview(OK + b"Content-Length: 1\r\n\r\nx"))
    assert following.complete and following.take() == b"x"


def test_a_body_after_the_answer_to_head_spoils_the_connection():
    reader, answer = read(OK + b"Content-Length: 2\r\n\r\nab", method="HEAD")
    assert answer.complete and answer.take() == b"" and not reader.reusable


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_a_status_without_a_body_ends_with_its_head(status):
    _, answer = read(b"HTTP/1.1 " + status + b"\r\nETag: x\r\n\r\n")
    assert answer.complete and answer.take() == b""


def test_a_second_answer_is_nobodys():
    reader, answer = read((OK + b"Content-Length: 1\r\n\r\na") * 2)
    assert answer.complete and answer.take() == b"a" and not reader.reusable


def test_informational_answers_come_before_the_one():
    _, answer = read(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n")
    assert answer.status == 200 and b"link" not in dict(answer.fields)


def test_connection_close_is_heard():
    reader, answer = read(OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n")
    assert answer.complete and not reader.reusable
