"""Requests off the wire: what is one, and the corpus of what is none."""

import pytest

from gateway.front.limits import Limits
from gateway.front.request import RequestReader

LIMITS = Limits(target_bytes=200, head_bytes=1000, fields=10)
HOST = b"Host: souk.test\r\n"
GET = b"GET /a HTTP/1.1\r\n" + HOST
POST = b"POST /a HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class NoSource:
    def fill(self, request):
        raise AssertionError("nobody waits here")


def read(*pieces):
    reader = RequestReader(NoSource(), "192.0.2.1", LIMITS)
    for piece in pieces:
        reader.feed(memoryview(piece))
    return reader


def one(*pieces):
    reader = read(*pieces)
    assert reader.refusal is None
    (request,) = reader.heads
    return request


REFUSED = {
    # the framing of the body
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "one length twice": (POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
    "a list of lengths": (POST + b"Content-Length: 1, 1\r\n\r\na", 400),
    "a length with a sign": (POST + b"Content-Length: +1\r\n\r\na", 400),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\na", 400),
    "a length in hexadecimal": (POST + b"Content-Length: 0x1\r\n\r\na", 400),
    "an empty length": (POST + b"Content-Length: \r\n\r\na", 400),
    "a length beyond 64 bits": (POST + b"Content-Length: 99999999999999999999\r\n\r\na", 400),
    "length, then coding": (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "coding, then length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", 400),
    "coding twice": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunked not last": (POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    "an invented coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    "identity": (POST + b"Transfer-Encoding: identity\r\n\r\n", 501),
    "another coding before": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "a space before the colon": (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    "a vertical tab in the coding": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "coding in HTTP/1.0": (b"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    # chunks
    "a chunk that is longer than it says": (CHUNKED + b"1\r\nab\r\n0\r\n\r\n", 400),
    "a chunk size with a sign": (CHUNKED + b"-1\r\na\r\n0\r\n\r\n", 400),
    "a chunk size with 0x": (CHUNKED + b"0x1\r\na\r\n0\r\n\r\n", 400),
    "a chunk size with a space": (CHUNKED + b"1 \r\na\r\n0\r\n\r\n", 400),
    "a chunk size beyond 64 bits": (CHUNKED + b"fffffffffffffffff\r\na\r\n", 400),
    "a chunk size ended by LF": (CHUNKED + b"1\na\r\n0\r\n\r\n", 400),
    "an LF in a chunk extension": (CHUNKED + b'1;a="\n"\r\na\r\n0\r\n\r\n', 400),
    "trailer fields": (CHUNKED + b"0\r\nAuthorization: Bearer x\r\n\r\n", 400),
    # lines
    "a folded line": (GET + b"A: b\r\n c\r\n\r\n", 400),
    "a line ended by LF": (b"GET /a HTTP/1.1\nHost: souk.test\n\n", 400),
    "a field ended by LF": (b"GET /a HTTP/1.1\r\nHost: souk.test\n\r\n", 400),
    "a CR in a value": (GET + b"A: b\rc\r\n\r\n", 400),
    "a NUL in a value": (GET + b"A: b\0c\r\n\r\n", 400),
    "a control character in a value": (GET + b"A: b\x01c\r\n\r\n", 400),
    "no name": (GET + b": b\r\n\r\n", 400),
    "a parenthesis in a name": (GET + b"A(: b\r\n\r\n", 400),
    "a space in a name": (GET + b"A B: c\r\n\r\n", 400),
    "a line without a colon": (GET + b"AB\r\n\r\n", 400),
    # the request line
    "HTTP/0.9": (b"GET /a\r\n\r\n", 505),
    "HTTP/0.9 by name": (b"GET /a HTTP/0.9\r\n\r\n", 505),
    "HTTP/2.0": (b"GET /a HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "HTTP/1.2": (b"GET /a HTTP/1.2\r\n" + HOST + b"\r\n", 400),
    "HTTP/1.10": (b"GET /a HTTP/1.10\r\n" + HOST + b"\r\n", 400),
    "two spaces after the method": (b"GET  /a HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "two spaces before the version": (b"GET /a  HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "RTSP": (b"GET /a RTSP/1.1\r\n" + HOST + b"\r\n", 400),
    "two empty lines before it": (b"\r\n\r\nGET /a HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a bare LF before it": (b"\nGET /a HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a bare CR before it": (b"\rGET /a HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a tab after the method": (b"GET\t/a HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a space after the version": (b"GET /a HTTP/1.1 \r\n" + HOST + b"\r\n", 400),
    "a method in lower case": (b"get /a HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a method nobody knows": (b"GRAB /a HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a method of another time": (b"PROPFIND /a HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "TRACE": (b"TRACE /a HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "CONNECT": (b"CONNECT souk.test:443 HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "another protocol": (b"SOURCE /a ICE/1.0\r\n\r\n", 501),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "bytes that are not ASCII": (b"GET /caf\xe9 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    # fields that must be there once
    "no Host": (b"GET /a HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (GET + HOST + b"\r\n", 400),
    "an empty Host": (b"GET /a HTTP/1.1\r\nHost: \r\n\r\n", 400),
    "a Host with a path": (b"GET /a HTTP/1.1\r\nHost: souk.test/x\r\n\r\n", 400),
    "a Host with a user": (b"GET /a HTTP/1.1\r\nHost: a@souk.test\r\n\r\n", 400),
    "two Authorizations": (GET + b"Authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n", 400),
    "two Content-Types": (GET + b"Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n", 400),
    # what is not done here
    "an upgrade": (GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 501),
    "an upgrade with a body": (
        POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc",
        501,
    ),
    "an unknown expectation": (POST + b"Expect: 200-ok\r\nContent-Length: 1\r\n\r\n", 417),
    # sizes
    "a long target": (b"GET /" + b"a" * 200 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "a large field": (GET + b"A: " + b"b" * 1000 + b"\r\n\r\n", 431),
    "many fields": (GET + b"A: b\r\n" * 10 + b"\r\n", 431),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_request_of_ours_is_refused(name):
    raw, status = REFUSED[name]
    reader = read(raw)
    assert reader.refusal is not None and reader.refusal.status == status


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_byte_by_byte_too(name):
    raw, status = REFUSED[name]
    reader = RequestReader(NoSource(), "192.0.2.1", LIMITS)
    for place in range(len(raw)):
        if reader.refusal is None:
            reader.feed(memoryview(raw)[place : place + 1])
    assert reader.refusal is not None and reader.refusal.status == status


def test_a_plain_request_is_read():
    request = one(GET + b"X-Request-ID: abc\r\n\r\n")
    assert (request.method, request.target, request.length) == ("GET", b"/a", 0)
    assert request.fields == [(b"host", b"souk.test"), (b"x-request-id", b"abc")]
    assert request.complete and request.keep_alive


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_request_may_come_in_two_pieces(cut):
    raw = POST + b"Content-Length: 3\r\n\r\nabc"
    request = one(raw[:cut], raw[cut:])
    assert (request.target, request.take(), request.complete) == (b"/a", b"abc", True)


def test_a_chunked_body_is_put_together():
    request = one(CHUNKED + b"3;name=value\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")
    assert (request.length, request.take(), request.complete) == (None, b"abcde", True)


def test_a_body_is_taken_once():
    request = one(POST + b"Content-Length: 3\r\n\r\nabc")
    assert (request.take(), request.take()) == (b"abc", b"")


def test_requests_in_one_packet_queue_in_order():
    reader = read(GET + b"\r\n" + POST + b"Content-Length: 1\r\n\r\nx" + GET + b"\r\n")
    assert [request.method for request in reader.heads] == ["GET", "POST", "GET"]
    assert [request.take() for request in reader.heads] == [b"", b"x", b""]


def test_what_follows_a_bad_request_is_not_read():
    reader = read(GET + b"\r\n" + POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx" + GET + b"\r\n")
    assert len(reader.heads) == 1 and reader.refusal is not None


BEFORE = {
    "nothing": b"",
    "an empty line": b"\r\n",
    "a request": GET + b"\r\n",
    "two requests": (GET + b"\r\n") * 2,
    "a body": POST + b"Content-Length: 5\r\n\r\nabc\r\n",
    "chunks": CHUNKED + b"3;a=b\r\nabc\r\n2\r\n\r\n\r\n0\r\n\r\n",
    "a body and a request": POST + b"Content-Length: 1\r\n\r\na" + GET + b"\r\n",
}


@pytest.mark.parametrize("before", BEFORE)
def test_a_request_line_is_checked_wherever_it_stands(before):
    plain, odd = GET + b"\r\n", b"GET  /a HTTP/1.1\r\n" + HOST + b"\r\n"
    count = len(read(BEFORE[before]).heads)
    reader = read(BEFORE[before] + plain + plain)
    assert len(reader.heads) == count + 2 and reader.refusal is None
    reader = read(BEFORE[before] + odd + plain)
    assert len(reader.heads) == count and reader.refusal.status == 400


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("line", ["GET /a HTTP/1.1", "GET  /a HTTP/1.1"])
def test_it_does_not_matter_where_the_bytes_are_cut(before, line):
    raw = BEFORE[before] + f"{line}\r\n".encode() + HOST + b"\r\n"
    count = len(read(BEFORE[before]).heads)
    for cut in range(1, len(raw)):
        reader = read(raw[:cut], raw[cut:]) if cut < len(raw) else read(raw)
        closing = any(not request.keep_alive for request in reader.heads)
        good = line == "GET /a HTTP/1.1" and not closing
        assert len(reader.heads) == count + good and (reader.refusal is None) == good, cut


def test_a_request_close_behind_a_chunked_one_that_began_earlier_is_not_read():
    reader = read(CHUNKED + b"1\r\na", b"\r\n0\r\n\r\n" + GET + b"\r\n")
    (request,) = reader.heads
    assert request.complete and not request.keep_alive and reader.refusal is not None


def test_empty_lines_without_end_are_refused():
    reader = read(b"\r\n", b"\r\n")
    assert reader.refusal is not None and reader.refusal.status == 400


def test_blanks_around_a_value_are_not_part_of_it():
    request = one(b"POST /a HTTP/1.1\r\nHost: \t souk.test \t\r\nContent-Length:1 \r\nX-Empty:\r\n\r\nx")
    assert (request.length, request.fields[2]) == (1, (b"x-empty", b""))
    assert request.single[b"host"] == b"souk.test"


def test_http_1_0_is_read_and_not_kept_alive():
    request = one(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert request.http_10 and not request.keep_alive


def test_connection_close_is_heard():
    assert not one(GET + b"Connection: close\r\n\r\n").keep_alive


def test_an_expectation_is_noted():
    assert one(POST + b"Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n").expects_continue


def test_a_head_without_end_is_refused_at_the_limit():
    reader = RequestReader(NoSource(), "192.0.2.1", LIMITS)
    reader.feed(memoryview(GET + b"A: "))
    fed = 0
    while reader.refusal is None:
        reader.feed(memoryview(b"b" * 100))
        fed += 100
    assert reader.refusal.status == 431 and fed <= 1100


def test_two_idempotency_keys_are_refused():
    keyed = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nIdempotency-Key: one\r\nidempotency-key: %b\r\n\r\n"
    for second in (b"one", b"two"):
        refusal = read(keyed % second).refusal
        assert refusal is not None and refusal.status == 400
        assert "idempotency-key is there more than once" in str(refusal.detail)
