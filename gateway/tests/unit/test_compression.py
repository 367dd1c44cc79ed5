"""Which answers are compressed, and for whom."""

import gzip
from types import SimpleNamespace

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.compression import LARGEST_BYTES, compress, negotiate, takes_gzip, weak

TAKES = [
    *("gzip", "GZIP", "x-gzip", "*", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip;q=0.001"),
    *(
        "gzip;q=1.000",
        "gzip ; q=0.5",
        "gzip;q=1, identity;q=1",
        "identity;q=0, gzip",
        "deflate,gzip",
        "*;q=0.5",
    ),
]
DOES_NOT = [
    *("", "identity", "br", "gzip;q=0", "gzip;q=0.000", "*, gzip;q=0", "gzip;q=0, *;q=1", "*;q=0", "gzipped"),
    *(
        "gzip;q=2",
        "gzip;q=-1",
        "gzip;q=",
        "gzip;q=0.0001",
        "gzip;q=nan",
        "gzip;level=9",
        "gzip;q=0.5, identity",
    ),
    *("gzip, identity;q=1, gzip;q=0", ";q=1", "x-gzip;q=0", "gzip, " + "a" * 300),
]
JSON = (b"content-type", b"application/json")


def asking(accept="gzip", *fields):
    return SimpleNamespace(fields=[(b"accept-encoding", accept.encode()), *fields])


def answer(*fields, status=200, length=2000):
    return SimpleNamespace(status=status, fields=list(fields), length=length)


@pytest.mark.parametrize("said", TAKES)
def test_a_client_takes_gzip_who_says_so(said):
    assert takes_gzip(asking(said))


@pytest.mark.parametrize("said", DOES_NOT)
def test_a_client_does_not_take_gzip_who_says_nothing_or_no(said):
    assert not takes_gzip(asking(said))


def test_several_lines_are_read_as_one_list():
    assert not takes_gzip(asking("gzip;q=0.5", (b"accept-encoding", b"identity")))


@settings(deadline=None)
@given(st.text("gzipdeflate*;q=,. 01-", max_size=80))
def test_whatever_is_said_is_read(said):
    assert takes_gzip(asking(said)) in (True, False)


TEXTS = [
    *("text/plain", "text/html; charset=utf-8", "application/json", "APPLICATION/JSON;charset=utf-8"),
    *("application/problem+json", "application/javascript", "text/javascript", "image/svg+xml"),
]
NOT_TEXTS = ["", "image/png", "application/octet-stream", "text/event-stream", "application/x-ndjson", "json"]


@pytest.mark.parametrize("media_type", TEXTS)
def test_texts_are_compressed(media_type):
    fields, compressed = negotiate(asking(), answer((b"content-type", media_type.encode())), 1024)
    assert compressed and fields[1:] == [(b"vary", b"accept-encoding"), (b"content-encoding", b"gzip")]


@pytest.mark.parametrize("media_type", NOT_TEXTS)
def test_nothing_else_is(media_type):
    given_answer = answer((b"content-type", media_type.encode()))
    assert negotiate(asking(), given_answer, 1024) == (given_answer.fields, False)


AS_THEY_ARE = {
    "small": answer(JSON, length=1023),
    "large": answer(JSON, length=LARGEST_BYTES + 1),
    "of unknown length": answer(JSON, length=None),
    "no content": answer(JSON, status=204),
    "a part": answer(JSON, status=206),
    "encoded already": answer(JSON, (b"content-encoding", b"br")),
    "not to be transformed": answer(JSON, (b"cache-control", b"max-age=1, no-transform")),
    "not to be transformed, twice": answer(
        JSON, (b"cache-control", b"no-transform"), (b"cache-control", b"max-age=1")
    ),
    "with a digest": answer(JSON, (b"content-digest", b"sha-256=:x:")),
}


@pytest.mark.parametrize("given_answer", AS_THEY_ARE.values(), ids=AS_THEY_ARE)
def test_some_texts_pass_as_they_are(given_answer):
    assert negotiate(asking(), given_answer, 1024) == (given_answer.fields, False)


def test_who_does_not_take_gzip_is_told_that_others_would_get_it():
    assert negotiate(asking("br"), answer(JSON), 1024) == ([JSON, (b"vary", b"accept-encoding")], False)


@pytest.mark.parametrize("etag", [b'"1"', b'W/"1"'])
def test_the_tag_of_what_is_compressed_is_a_weak_one(etag):
    fields, _ = negotiate(asking(), answer(JSON, (b"etag", etag)), 1024)
    assert dict(fields)[b"etag"] == b'W/"1"'
    assert dict(negotiate(asking("br"), answer(JSON, (b"etag", etag)), 1024)[0])[b"etag"] == etag


@pytest.mark.parametrize(
    ("known", "told"), {b'W/"1"': b'W/"1"', b'"0", W/"1"': b'W/"1"', b'"1"': b'"1"', b"*": b'"1"'}.items()
)
def test_what_is_not_modified_has_the_tag_by_which_the_client_knows_it(known, told):
    unchanged = answer((b"etag", b'"1"'), status=304, length=None)
    fields, compressed = negotiate(asking("gzip", (b"if-none-match", known)), unchanged, 1024)
    assert (dict(fields)[b"etag"], compressed) == (told, False)


@pytest.mark.parametrize("size", [0, 1, 2000, 16384, 16385, 1 << 20])
def test_what_is_compressed_is_the_same_afterwards(size):
    body = b"0123456789" * (size // 10 + 1)
    assert gzip.decompress(compress(body[:size])) == body[:size]


def test_others_go_on_while_a_large_text_is_compressed():
    turns = []

    def take_turns():
        while True:
            turns.append(None)
            gevent.sleep(0)

    other = gevent.spawn(take_turns)
    compress(b"0123456789" * 100_000)
    other.kill()
    assert len(turns) > 1


def test_a_weak_tag_stays_as_it_is():
    assert weak(weak(b'"1"')) == b'W/"1"'
