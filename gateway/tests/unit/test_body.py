"""Bodies on their way through: held until whole while small, in pieces when large, never over the limit."""

import pytest

from chassis.errors import TooLarge
from gateway.body import BodyUnexpected, framing, gather, pieces
from gateway.front.limits import Limits
from gateway.front.request import RequestReader

LIMIT = 200_000


class Arriving:
    """A body that arrives in pieces, one for each wait."""

    def __init__(self, head, *later):
        self.later = list(later)
        self.reader = RequestReader(self, "192.0.2.1", Limits())
        self.reader.feed(memoryview(head))
        self.request = self.reader.heads.popleft()

    def fill(self, request):
        self.reader.feed(memoryview(self.later.pop(0)))


def post(length, *later):
    return Arriving(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length, *later)


def chunked(*later):
    return Arriving(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", *later)


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def test_a_small_body_is_held_until_it_is_whole():
    request = post(6, b"abc", b"def").request
    assert gather(request, LIMIT) == b"abcdef"
    assert framing(request, b"abcdef") == b"Content-Length: 6\r\n"


def test_a_small_chunked_body_gets_a_length():
    request = chunked(chunk(b"abc"), chunk(b"def"), b"0\r\n\r\n").request
    assert gather(request, LIMIT) == b"abcdef"
    assert framing(request, b"abcdef") == b"Content-Length: 6\r\n"


def test_no_body_is_no_body():
    request = Arriving(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n").request
    assert gather(request, LIMIT) == b"" and framing(request, b"") == b""


def test_an_empty_post_says_so():
    request = post(0).request
    assert gather(request, LIMIT) == b"" and framing(request, b"") == b"Content-Length: 0\r\n"


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_a_method_without_a_body_has_none(method):
    arriving = Arriving(method + b" /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", b"a")
    with pytest.raises(BodyUnexpected):
        gather(arriving.request, LIMIT)


def test_a_length_over_the_limit_is_refused_before_it_is_read():
    arriving = post(LIMIT + 1)
    with pytest.raises(TooLarge):
        gather(arriving.request, LIMIT)


def test_chunks_over_the_limit_are_refused_when_they_are():
    arriving = chunked(*[chunk(b"a" * 1000)] * 20)
    with pytest.raises(TooLarge):
        gather(arriving.request, 10_000)
    assert len(arriving.later) == 9


def test_a_large_body_passes_in_pieces_as_it_came():
    block = b"a" * 50_000
    arriving = post(150_000, block, block, block)
    held = gather(arriving.request, LIMIT)
    assert len(held) == 100_000 and not arriving.request.complete
    assert framing(arriving.request, held) == b"Content-Length: 150000\r\n"
    assert list(pieces(arriving.request, held, LIMIT, b"head")) == [b"head", held, block]


def test_a_large_chunked_body_passes_in_chunks():
    block = b"a" * 70_000
    arriving = chunked(chunk(block), chunk(block), b"0\r\n\r\n")
    held = gather(arriving.request, LIMIT)
    assert framing(arriving.request, held) == b"Transfer-Encoding: chunked\r\n"
    sent = b"".join(pieces(arriving.request, held, LIMIT, b""))
    assert sent == chunk(block) + chunk(block) + b"0\r\n\r\n"


def test_a_large_chunked_body_ends_at_the_limit():
    block = chunk(b"a" * 70_000)
    arriving = chunked(*[block] * 10)
    held = gather(arriving.request, LIMIT)
    with pytest.raises(TooLarge):
        list(pieces(arriving.request, held, LIMIT, b""))
    assert len(arriving.later) == 7
