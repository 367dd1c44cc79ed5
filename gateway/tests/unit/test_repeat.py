"""A request with the header of the one before is read as it would be without that: all the same, or not at all."""

import pytest
from paths import mutated
from smuggling import REFUSED, SERVED

from gateway.front.limits import Limits
from gateway.front.request import RequestReader

LIMITS = Limits(target_bytes=200, head_bytes=1000, fields=20)
HOST = b"Host: souk.test\r\n"
BLOCK = HOST + b"Authorization: Bearer a.b.c\r\nAccept: */*\r\n\r\n"
FIRST = b"GET /first HTTP/1.1\r\n"
OTHER = FIRST + HOST + b"X-Other: 1\r\n\r\n"
TARGETS = ["/api/v1/orders/1", "/api/v1/products/TEA-1?limit=2&cursor=AbC_-d"]
KNOWN = (
    "method",
    "target",
    "fields",
    "single",
    "named",
    "length",
    "complete",
    "keep_alive",
    "http_10",
    "peer",
)
KNOWN += ("expects_continue",)


def reader_of(*pieces):
    reader = RequestReader(None, "192.0.2.1", LIMITS)
    for piece in pieces:
        if reader.refusal is None:
            reader.feed(memoryview(piece))
    return reader


def seen(reader):
    """Return all that is known of what was read."""
    requests = [[*(getattr(each, name) for name in KNOWN), each.take()] for each in reader.heads]
    told = reader.refusal and (reader.refusal.status, reader.refusal.code)
    return requests, told, reader.in_head


def twin_of(raw):
    """Return a plain request with the header lines of another one."""
    return FIRST + raw.partition(b"\r\n")[2].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def is_repeat(reader):
    first, second = reader.heads
    return second.fields is first.fields


def same_either_way(raw, *, twin=None):
    """Assert that a request, and one that follows, are read behind its twin as behind any other."""
    twin = twin or twin_of(raw)
    before = reader_of(twin)
    if before.refusal is not None or not (before.heads[0].keep_alive and before.heads[0].complete):
        return
    behind, alone = seen(reader_of(twin, raw)), seen(reader_of(OTHER, raw))
    assert (behind[0][1:], *behind[1:]) == (alone[0][1:], *alone[1:])
    third = b"GET /third HTTP/1.1\r\n" + BLOCK
    behind, alone = seen(reader_of(twin, raw, third)), seen(reader_of(OTHER, raw, third))
    assert (behind[0][1:], *behind[1:]) == (alone[0][1:], *alone[1:])


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_request_with_the_same_header_shares_what_was_read_of_it(method):
    raw = f"{method} /a?b=c HTTP/1.1\r\n".encode() + BLOCK
    reader = reader_of(FIRST + BLOCK, raw)
    first, second = reader.heads
    assert is_repeat(reader) and second is not first and second.notes is first.notes
    assert (second.method, second.target, second.complete) == (method, b"/a?b=c", True)
    same_either_way(raw)


NO_REPEATS = {
    "another header": (FIRST + BLOCK, FIRST + HOST + b"\r\n"),
    "one more line": (FIRST + BLOCK, FIRST + b"A: b\r\n" + BLOCK),
    "another value": (FIRST + BLOCK, FIRST + BLOCK.replace(b"a.b.c", b"a.b.d")),
    "the end is another": (FIRST + BLOCK, FIRST + BLOCK[:-2] + b"A: b\r\n\r\n"),
    "a body behind the first": (
        b"POST /a HTTP/1.1\r\nContent-Length: 0\r\n" + BLOCK,
        b"POST /a HTTP/1.1\r\nContent-Length: 0\r\n" + BLOCK,
    ),
    "an upgrade nobody asked for": (FIRST + b"Upgrade: h2c\r\n" + BLOCK,) * 2,
    "an empty line before the first": (b"\r\n" + FIRST + BLOCK, FIRST + BLOCK),
    "an empty line before the second": (FIRST + BLOCK, b"\r\n" + FIRST + BLOCK),
    "a target with a byte that is none": (FIRST + BLOCK, b"GET /a|b HTTP/1.1\r\n" + BLOCK),
}


@pytest.mark.parametrize("name", NO_REPEATS)
def test_all_else_goes_through_the_parser(name):
    first, second = NO_REPEATS[name]
    assert not is_repeat(reader_of(first, second))
    same_either_way(second, twin=first)


@pytest.mark.parametrize("count", [2, 3])
def test_several_requests_in_one_piece_go_through_the_parser(count):
    raw = FIRST + BLOCK
    reader = reader_of(raw, raw * count)
    assert len(reader.heads) == count + 1 and reader.refusal is None
    assert all(each.fields is not reader.heads[0].fields for each in list(reader.heads)[1:])
    assert is_repeat(reader_of(raw, raw))


def test_a_request_in_two_pieces_is_read_wherever_it_is_cut():
    raw = FIRST + BLOCK
    for cut in range(1, len(raw)):
        reader = reader_of(raw, raw, raw[:cut], raw[cut:], raw)
        assert [each.target for each in reader.heads] == [b"/first"] * 4 and reader.refusal is None


def test_a_connection_that_is_to_end_has_no_repeats():
    raw = FIRST + b"Connection: close\r\n" + BLOCK
    reader = reader_of(raw, raw)
    assert len(reader.heads) == 1 and reader.refusal is not None


@pytest.mark.parametrize(
    "line",
    [
        *(
            b"GET /a HTTP/1.0",
            b"GET /a HTTP/1.2",
            b"GET /a HTTP/2.0",
            b"GET  /a HTTP/1.1",
            b"GET /a  HTTP/1.1",
        ),
        *(
            b"GET\t/a HTTP/1.1",
            b"get /a HTTP/1.1",
            b"GRAB /a HTTP/1.1",
            b"TRACE /a HTTP/1.1",
            b"GET a HTTP/1.1",
        ),
        *(
            b"GET * HTTP/1.1",
            b"GET http://souk.test/a HTTP/1.1",
            b"GET /a\x00 HTTP/1.1",
            b"GET /\xe9 HTTP/1.1",
        ),
        *(
            b"GET /a HTTP/1.1\r\nX: y",
            b"GET /a HTTP/1.1\r\n",
            b"GET /a HTTP/1.1 ",
            b"",
            b"GET /a",
            b" GET /a HTTP/1.1",
        ),
        *(b"GET /a HTTP/1.1\n", b"CONNECT souk.test:1 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"PRI * HTTP/2.0"),
        b"GET /" + b"a" * 200 + b" HTTP/1.1",
    ],
)
def test_a_bad_first_line_before_a_known_header_is_as_bad_as_ever(line):
    same_either_way(line + b"\r\n" + BLOCK, twin=FIRST + BLOCK)


@pytest.mark.parametrize("name", [*REFUSED, *SERVED])
def test_what_hides_a_request_is_found_behind_its_twin_too(name):
    raw = REFUSED[name] if name in REFUSED else SERVED[name][0]
    same_either_way(raw.encode("latin-1"))
    same_either_way(raw.encode("latin-1"), twin=FIRST + HOST + b"\r\n")


def test_thousands_of_odd_targets_are_read_the_same_either_way():
    for target in mutated(TARGETS, 5000, 7):
        same_either_way(f"GET {target} HTTP/1.1\r\n".encode("latin-1", "replace") + BLOCK, twin=FIRST + BLOCK)
