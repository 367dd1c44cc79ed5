"""Compression on the wire: the same text, fewer bytes, and never what would tell a secret."""

import gzip
import json
import threading

import pytest
from serving import get, post, whole

PRODUCTS = "/api/v1/products"
GZIP = "Accept-Encoding: gzip, br"
JSON = "Content-Type: application/json\r\n"
TEXT = json.dumps({"data": [{"sku": f"TEA-{number}"} for number in range(200)]}).encode()


def telling(body, fields=JSON):
    """Return what a service does that answers every request with this text."""

    def answer(wire, request):
        list(wire.body_of(request))
        message = whole(body=body, fields=fields)
        wire.send(message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if request.line[0] == "HEAD" else message)

    return answer


@pytest.fixture
def text(orders):
    orders.answer = telling(TEXT, f'{JSON}ETag: "1"\r\nVary: Accept\r\n')


def varies_by(reply):
    return {each.strip().lower() for value in reply.all("vary") for each in value.split(",")}


def test_who_takes_gzip_gets_it(gateway, text):
    reply = gateway.ask(get(PRODUCTS, GZIP))
    assert (reply["content-encoding"], reply["etag"]) == ("gzip", 'W/"1"')
    assert varies_by(reply) == {"accept", "accept-encoding"}
    assert gzip.decompress(reply.body) == TEXT
    assert int(reply["content-length"]) == len(reply.body) < len(TEXT) / 5


def test_who_does_not_gets_the_text_as_it_is(gateway, text):
    for fields in ([], ["Accept-Encoding: gzip;q=0, *"]):
        reply = gateway.ask(get(PRODUCTS, *fields))
        assert (reply.body, reply["etag"], reply.all("content-encoding")) == (TEXT, '"1"', [])
        assert varies_by(reply) == {"accept", "accept-encoding"}


def test_a_service_is_not_asked_to_compress(gateway, orders, text):
    gateway.ask(get(PRODUCTS, GZIP))
    assert "accept-encoding" not in dict(orders.requests[-1].fields)


def test_head_tells_what_get_would_and_the_connection_goes_on(gateway, text):
    wire = gateway.connect()
    head = wire.send(get(PRODUCTS, GZIP, method="HEAD")).message(bodiless=True)
    whole_reply = wire.send(get(PRODUCTS, GZIP)).message()
    wire.close()
    assert "content-length" not in dict(head.fields)
    for name in ("content-encoding", "etag", "content-type"):
        assert head[name] == whole_reply[name]
    plain = gateway.ask(get(PRODUCTS, method="HEAD"))
    assert (plain["content-length"], plain.all("content-encoding")) == (str(len(TEXT)), [])


def test_a_text_that_arrives_slowly_is_compressed_when_it_is_whole(gateway, orders):
    def answer(wire, request):
        message = whole(body=TEXT, fields=JSON)
        head, half = message.index(b"\r\n\r\n") + 4, len(message) // 2
        for piece in (message[:head], message[head:half], message[half:]):
            wire.send(piece)
            passed.wait(0.1)

    passed = threading.Event()  # never set: the pieces come one after another
    orders.answer = answer
    reply = gateway.ask(get(PRODUCTS, GZIP))
    assert reply["content-encoding"] == "gzip" and gzip.decompress(reply.body) == TEXT


def test_a_text_that_breaks_off_is_no_answer(gateway, orders):
    def answer(wire, request):
        wire.send(whole(body=TEXT, fields=JSON)[:-1])
        wire.close()

    orders.answer = answer
    assert gateway.ask(get(PRODUCTS, GZIP)).problem["code"] == "bad_upstream_answer"


def test_not_modified_has_the_tag_the_client_has(gateway, orders, issuer):
    orders.answer = lambda wire, request: wire.send('HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n')
    signed_in = f"Authorization: {issuer.bearer()}"
    reply = gateway.ask(get("/api/v1/orders/1", signed_in, GZIP, 'If-None-Match: W/"1"'))
    assert (reply.status, reply["etag"]) == (304, 'W/"1"')
    assert orders.requests[-1]["if-none-match"] == 'W/"1"'


def test_what_holds_secrets_is_not_compressed(gateway, users):
    users.answer = telling(TEXT)
    for path in ("/api/v1/auth/token", "/api/v1/auth/revoke"):
        reply = gateway.ask(post(path, "", GZIP))
        assert reply.body == TEXT and reply.all("vary") == []


def test_a_large_text_passes_as_it_is(gateway, orders):
    large = b"x" * ((1 << 20) + 1)
    orders.answer = telling(large)
    assert gateway.ask(get(PRODUCTS, GZIP)).body == large


def test_the_storefront_is_compressed_once(gateway):
    plain = gateway.ask(get("/shop/shop.js"))
    packed = gateway.ask(get("/shop/shop.js", GZIP))
    assert gzip.decompress(packed.body) == plain.body and packed["content-encoding"] == "gzip"
    assert packed["etag"] == f"W/{plain['etag']}" and varies_by(plain) == varies_by(packed) == {
        "accept-encoding"
    }
    for known in (plain["etag"], packed["etag"], f'"other", {packed["etag"]}', "*"):
        assert gateway.ask(get("/shop/shop.js", GZIP, f"If-None-Match: {known}")).status == 304
    head = gateway.ask(get("/shop/shop.js", GZIP, method="HEAD"))
    assert head["content-length"] == packed["content-length"]


def test_what_is_kept_is_compressed_for_those_who_take_it(gateway, orders):
    path = f"{PRODUCTS}/PACKED-1"
    orders.answer = telling(TEXT, f'{JSON}ETag: "1"\r\nCache-Control: max-age=60\r\n')
    plain = gateway.ask(get(path))
    packed = [gateway.ask(get(path, GZIP)) for _ in range(2)]
    again = gateway.ask(get(path))
    assert plain.body == again.body == TEXT and plain.all("content-encoding") == []
    assert [gzip.decompress(each.body) for each in packed] == [TEXT, TEXT]
    assert {each["content-encoding"] for each in packed} == {"gzip"} and packed[0]["etag"] == 'W/"1"'
    assert varies_by(plain) == varies_by(packed[0]) == {"accept-encoding"}
    for fields, etag in (([GZIP], 'W/"1"'), ([], '"1"')):
        unchanged = gateway.ask(get(path, f"If-None-Match: {etag}", *fields))
        assert (unchanged.status, unchanged["etag"], unchanged.body) == (304, etag, b"")
        assert varies_by(unchanged) == {"accept-encoding"}
    head = gateway.ask(get(path, GZIP, method="HEAD"))
    assert (head["content-encoding"], head["content-length"]) == ("gzip", packed[0]["content-length"])
    assert len(orders.requests) == 1


def test_what_is_kept_and_small_or_no_text_is_not_compressed(gateway, orders):
    for name, body, media_type in (("SMALL", b"{}", JSON), ("PICTURE", TEXT, "Content-Type: image/png\r\n")):
        orders.answer = telling(body, f"{media_type}Cache-Control: max-age=60\r\n")
        for _ in range(2):
            reply = gateway.ask(get(f"{PRODUCTS}/{name}", GZIP))
            assert (reply.body, reply.all("content-encoding"), reply.all("vary")) == (body, [], [])
