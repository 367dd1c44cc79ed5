import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.http1 import Malformed, RequestParser

HOST = b"Host: boxes\r\n"
GET = b"GET /a%20b?x=%31 HTTP/1.1\r\n" + HOST + b"X-One: 1\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"
CHUNKED = (
    b"POST /c HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-One: 2\r\n\r\n"
)


def parse(data, size=None):
    parser = RequestParser()
    for at in range(0, len(data), size or len(data)):
        parser.feed(data[at : at + (size or len(data))])
    return list(parser.ready)


def head(*lines, target=b"/", version=b"HTTP/1.1"):
    return b"GET " + target + b" " + version + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def test_a_head_becomes_wsgi_variables():
    (request,) = parse(GET)
    assert request.environ == {
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/a%20b?x=%31",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "x=%31",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "boxes",
        "HTTP_X_ONE": "1",
    }
    assert request.complete
    assert request.keep_alive


@given(st.integers(1, 60))
def test_it_does_not_matter_how_the_bytes_are_cut(size):
    requests = parse(GET + POST + CHUNKED + GET, size)
    assert [request.environ["REQUEST_METHOD"] for request in requests] == ["GET", "POST", "POST", "GET"]
    assert [b"".join(request.body) for request in requests] == [b"", b"hello", b"abcde", b""]
    assert requests[1].environ["CONTENT_LENGTH"] == "5"
    assert requests[1].environ["CONTENT_TYPE"] == "text/plain"


def test_trailers_are_no_headers():
    (request,) = parse(CHUNKED)
    assert "HTTP_X_ONE" not in request.environ


def test_a_name_that_only_looks_like_a_header_is_dropped():
    (request,) = parse(head(b"Host: a", b"X_Request_ID: forged", b"X-Request-ID: real"))
    assert request.environ["HTTP_X_REQUEST_ID"] == "real"


def test_repeated_headers_are_joined_and_cookies_as_cookies_are():
    (request,) = parse(head(b"Host: a", b"Via: 1", b"Via: 2", b"Cookie: a=1", b"Cookie: b=2", b"Empty:"))
    assert request.environ["HTTP_VIA"] == "1,2"
    assert request.environ["HTTP_COOKIE"] == "a=1; b=2"
    assert request.environ["HTTP_EMPTY"] == ""


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/%2e%2e/%2F%00", "/..//\x00", ""),
        (b"http://other/p?q", "/p", "q"),
        (b"http://other", "/", ""),
        (b"http://other?q", "/", "q"),
        (b"//a", "//a", ""),
        (b"/?", "/", ""),
        (b"/%zz", "/%zz", ""),
        (b"/%c3%a4", "/\xc3\xa4", ""),
    ],
)
def test_a_target_is_decoded_and_otherwise_left_alone(target, path, query):
    (request,) = parse(head(b"Host: a", target=target))
    assert (request.environ["PATH_INFO"], request.environ["QUERY_STRING"]) == (path, query)


def test_a_server_as_a_whole_may_be_asked_for_its_options():
    (request,) = parse(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    assert request.environ["PATH_INFO"] == "*"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (head(), 400),
        (head(b"Host: a", b"Host: a"), 400),
        (head(b"Host: a", b"Authorization: Bearer a", b"Authorization: Bearer b"), 400),
        (head(b"Host: a", b"Content-Type: a/b", b"Content-Type: a/b"), 400),
        (head(b"Host: a", b"Content-Length: 1", b"Content-Length: 1"), 400),
        (head(b"Host: a", b"Content-Length: 1", b"Transfer-Encoding: chunked"), 400),
        (head(b"Host: a", b"Content-Length: +1"), 400),
        (head(b"Host: a", b"Content-Length: 1,1"), 400),
        (head(b"Host: a", b"Content-Length: " + b"9" * 30), 400),
        (head(b"Host: a", b"Transfer-Encoding: gzip, chunked"), 501),
        (head(b"Host: a", b"Transfer-Encoding: xchunked"), 501),
        (head(b"Host: a", b"Transfer-Encoding : chunked"), 400),
        (head(b"Host: a", b"X: a\x00b"), 400),
        (head(b"Host: a", b" folded: 1"), 400),
        (head(b"Host: a", b"no colon"), 400),
        (head(b"Host: a", target=b"/a#b"), 400),
        (head(b"Host: a", target=b"a"), 400),
        (head(b"Host: a", target=b"*"), 400),
        (head(b"Transfer-Encoding: chunked", version=b"HTTP/1.0"), 400),
        (head(b"Host: a", target=b"/a\x01"), 400),
        (head(b"Host: a", target=b"/" + b"a" * 9000), 414),
        (head(b"Host: a", version=b"HTTP/2.0"), 505),
        (head(b"Host: a", version=b"HTTP/1.1 "), 400),
        (head(b"Host: a", b"Big: " + b"a" * 40_000), 431),
        (GET.replace(b"\r\n", b"\n"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"SHOUT / HTTP/1.1\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (CHUNKED.replace(b"3\r\nabc", b"fffffffffffffffffff\r\nabc"), 400),
        (CHUNKED.replace(b"3\r\nabc", b"-1\r\nabc"), 400),
        (CHUNKED.replace(b"abc\r\n", b"abcd\r\n"), 400),
    ],
)
def test_what_is_ambiguous_or_broken_is_refused(data, status):
    with pytest.raises(Malformed) as raised:
        parse(data, 4096)
    assert raised.value.status == status


def test_what_came_before_the_broken_bytes_is_kept():
    parser = RequestParser()
    with pytest.raises(Malformed):
        parser.feed(GET + b"\x00")
    assert len(parser.ready) == 1


@pytest.mark.parametrize("line", [b"Connection: close", b"Connection: Upgrade\r\nUpgrade: h2c"])
def test_a_client_may_ask_for_the_end_and_an_upgrade_ends_it_too(line):
    (request,) = parse(head(b"Host: a", line))
    assert not request.keep_alive


def test_http_1_0_is_answered_and_ended():
    (request,) = parse(head(version=b"HTTP/1.0"))
    assert (request.environ["SERVER_PROTOCOL"], request.keep_alive) == ("HTTP/1.0", False)
