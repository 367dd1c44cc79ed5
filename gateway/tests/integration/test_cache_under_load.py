"""Many who want the same at once, and a service that fails: one request for all, and what is kept serves on."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from serving import get, post, whole

MANY = 100
FRESH = 'Cache-Control: max-age=60\r\nETag: "one"\r\n'


@pytest.fixture
def path():
    return f"/api/v1/products/{uuid.uuid4()}"


@pytest.fixture
def gate(orders):
    """Orders answers when this is set, each time with the number of the request."""
    gate = threading.Event()
    yield gate
    gate.set()


def held(orders, gate, fields=FRESH, status=200):
    def answer(wire, request):
        request.body = b"".join(wire.body_of(request))
        number = len(orders.requests)
        gate.wait(10)
        wire.send(whole(status, b"%d" % number, fields))

    orders.answer = answer


def asking(gateway, request, number=MANY):
    """Send a request on many connections at once."""
    return [gateway.connect().send(request) for _ in range(number)]


def replies(wires):
    with ThreadPoolExecutor(10) as pool:
        return list(pool.map(lambda wire: wire.message(), wires))


def settle(gateway):
    """Return when the gateway has read what was sent to it before: it reads in order of arrival."""
    assert [gateway.ask(get("/")).status for _ in range(3)] == [200] * 3


def test_a_hundred_misses_are_one_request(gateway, orders, path, gate, until):
    held(orders, gate)
    wires = asking(gateway, get(path))
    until(lambda: orders.requests)
    settle(gateway)
    gate.set()
    answers = replies(wires)
    assert {(reply.status, reply.body) for reply in answers} == {(200, b"1")}
    assert len({reply["x-request-id"] for reply in answers}) == MANY
    assert len(orders.requests) == 1


@pytest.mark.parametrize("fields", ["private, max-age=60", 'no-cache\r\nETag: "one"'])
def test_who_waits_for_what_is_not_for_sharing_goes_on_alone(gateway, orders, path, gate, until, fields):
    held(orders, gate, f"Cache-Control: {fields}\r\n")
    wires = asking(gateway, get(path), 20)
    until(lambda: orders.requests)
    settle(gateway)
    assert len(orders.requests) == 1
    gate.set()
    assert sorted(int(reply.body) for reply in replies(wires)) == list(range(1, 21))


def test_those_who_want_no_kept_answer_share_one_that_was_asked_for_after_they_came(
    gateway, orders, path, gate, until
):
    gate.set()
    held(orders, gate)
    gateway.ask(get(path))
    gate.clear()
    wires = asking(gateway, get(path, "Cache-Control: no-cache"))
    until(lambda: len(orders.requests) == 2)
    settle(gateway)
    gate.set()
    assert {reply.body for reply in replies(wires)} <= {b"2", b"3", b"4"}
    assert len(orders.requests) <= 4


def test_a_service_that_cannot_be_asked_is_asked_once_for_all(gateway, orders, path, until):
    gate = threading.Event()
    orders.answer = lambda wire, request: (gate.wait(10), wire.close())
    wires = asking(gateway, get(path), 20)
    until(lambda: orders.requests)
    settle(gateway)
    gate.set()
    assert {reply.status for reply in replies(wires)} == {503}
    assert len(orders.requests) == 1


def test_who_comes_after_a_change_does_not_wait_for_what_was_asked_before_it(
    gateway, orders, issuer, path, gate, until
):
    held(orders, gate)
    before = gateway.connect().send(get(path))
    until(lambda: orders.requests)
    slow = orders.answer
    orders.answer = lambda wire, request: (
        b"".join(wire.body_of(request)),
        wire.send(whole(body=b"new", fields=FRESH)),
    )
    put = post(path, "{}", f"Authorization: {issuer.bearer(roles=['admin'])}").replace("POST", "PUT", 1)
    assert gateway.ask(put).status == 200
    assert gateway.ask(get(path)).body == b"new"
    gate.set()
    assert before.message().body == b"1"
    orders.answer = slow
    assert gateway.ask(get(path)).body == b"new"


def test_a_slow_reader_keeps_nobody_waiting(gateway, orders, path, gate, until):
    gate.set()
    orders.answer = lambda wire, request: wire.send(whole(body=b"a" * 900_000, fields=FRESH))
    slow = gateway.connect(window_bytes=4096).send(get(path))
    until(lambda: orders.requests)
    began = time.monotonic()
    assert len(gateway.ask(get(path)).body) == 900_000
    assert time.monotonic() - began < 1 and len(orders.requests) == 1
    slow.close()


def stale(orders, path, gateway, *, more):
    """Have an answer kept that is stale when it comes."""
    aged = f'Cache-Control: max-age=60, {more}\r\nAge: 61\r\nETag: "one"\r\n'
    orders.answer = lambda wire, request: wire.send(whole(body=b"old", fields=aged))
    assert gateway.ask(get(path)).body == b"old"


def test_what_is_stale_is_validated(gateway, orders, path):
    stale(orders, path, gateway, more="public")
    orders.answer = lambda wire, request: wire.send(f"HTTP/1.1 304 X\r\n{FRESH}\r\n")
    first, again = (gateway.ask(get(path)) for _ in range(2))
    assert (first.body, first["cache-control"], again.body) == (b"old", "max-age=60", b"old")
    assert int(first["age"]) < 10
    assert [dict(each.fields).get("if-none-match") for each in orders.requests] == [None, '"one"']


def test_what_is_stale_is_replaced(gateway, orders, path, gate):
    stale(orders, path, gateway, more="public")
    gate.set()
    held(orders, gate)
    assert [gateway.ask(get(path)).body for _ in range(2)] == [b"2", b"2"]


def test_a_304_that_forbids_to_keep_is_the_last_one(gateway, orders, path):
    stale(orders, path, gateway, more="public")
    orders.answer = lambda wire, request: wire.send("HTTP/1.1 304 X\r\nCache-Control: private\r\n\r\n")
    assert gateway.ask(get(path)).body == b"old"
    orders.answer = lambda wire, request: wire.send(whole(body=b"new"))
    assert gateway.ask(get(path)).body == b"new"
    assert "if-none-match" not in dict(orders.requests[-1].fields)


def test_a_304_about_another_answer_is_none(gateway, orders, path):
    stale(orders, path, gateway, more="public")
    orders.answer = lambda wire, request: wire.send('HTTP/1.1 304 X\r\nETag: "two"\r\n\r\n')
    assert gateway.ask(get(path)).problem["code"] == "bad_upstream_answer"
    orders.answer = lambda wire, request: wire.send(whole(body=b"new"))
    assert gateway.ask(get(path)).body == b"new"


def test_what_may_serve_on_is_renewed_behind_its_back(gateway, orders, path, gate, until):
    stale(orders, path, gateway, more="stale-while-revalidate=600")
    held(orders, gate)
    for wire in asking(gateway, get(path), 20):
        reply = wire.message()
        assert (reply.body, int(reply["age"]) >= 61) == (b"old", True)
    until(lambda: len(orders.requests) == 2)
    gate.set()
    until(lambda: gateway.ask(get(path)).body == b"2")
    assert len(orders.requests) == 2


@pytest.mark.parametrize("failure", ["503", "cut", "silent", "nonsense"])
def test_what_may_stand_in_does_while_the_service_fails(gateway, orders, path, gate, until, failure):
    stale(orders, path, gateway, more="stale-if-error=600")
    orders.answer = {
        "503": lambda wire, request: wire.send(whole(503, fields="Cache-Control: no-store\r\n")),
        "cut": lambda wire, request: wire.close(),
        "silent": lambda wire, request: gate.wait(10),
        "nonsense": lambda wire, request: wire.send("what?\r\n\r\n"),
    }[failure]
    answers = replies(asking(gateway, get(path), 20))
    assert {(reply.status, reply.body) for reply in answers} == {(200, b"old")}
    assert all(int(reply["age"]) >= 61 for reply in answers)
    assert len(orders.requests) <= 4  # asked again once a second, not once for each
    gate.set()
    orders.answer = lambda wire, request: wire.send(whole(body=b"new", fields=FRESH))
    until(lambda: gateway.ask(get(path)).body == b"new")


@pytest.mark.parametrize(
    "strict", ["public", "stale-if-error=600, must-revalidate", "stale-if-error=600, s-maxage=60"]
)
def test_what_may_not_stand_in_does_not(gateway, orders, path, strict):
    stale(orders, path, gateway, more=strict)
    orders.answer = lambda wire, request: wire.close()
    assert gateway.ask(get(path)).status == 503


def test_a_thing_that_is_gone_does_not_stand_in_later(gateway, orders, path):
    stale(orders, path, gateway, more="stale-if-error=600")
    orders.answer = lambda wire, request: wire.send(whole(404, fields="Cache-Control: no-store\r\n"))
    assert gateway.ask(get(path)).status == 404
    orders.answer = lambda wire, request: wire.close()
    assert gateway.ask(get(path)).status == 503


def test_who_waits_gets_no_answer_that_depends_on_anothers_header(gateway, orders, path, gate, until):
    def answer(wire, request):
        gate.wait(10)
        wire.send(whole(body=request["accept-language"].encode(), fields=f"{FRESH}Vary: Accept-Language\r\n"))

    orders.answer = answer
    wires = [
        gateway.connect().send(get(path, f"Accept-Language: {each}")) for each in ("de", "fr", "de", "fr")
    ]
    until(lambda: orders.requests)
    settle(gateway)
    assert len(orders.requests) == 1  # whether the answer depends on anything is not known yet
    gate.set()
    assert [wire.message().body for wire in wires] == [b"de", b"fr", b"de", b"fr"]
    assert len(orders.requests) == 2
