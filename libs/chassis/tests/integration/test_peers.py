"""Calls between services over real sockets; the double keeps the same contract."""

import time
import uuid

import live
import orjson
import pytest
from flask import Flask, Response, request
from prometheus_client import REGISTRY

from chassis import context
from chassis.assertions import Verifier
from chassis.breaker import Breaker
from chassis.context import RequestContext
from chassis.peers import Peer, PeerError, PeerNonsense, PeerTimeout, PeerUnavailable
from chassis.spans import Spans
from chassis.testing.keys import Keys
from chassis.testing.peers import FakePeer
from chassis.trust import TrustBundle

USER = uuid.UUID("0193b0c0-0000-7000-8000-000000000001")


class Boxes(Flask):
    """A peer that does what its path says and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__("boxes")
        self.asked: list[dict] = []
        self.add_url_rule("/<what>", view_func=self.answer, methods=["GET", "POST", "PUT", "DELETE"])

    def answer(self, what: str) -> Response:
        self.asked.append({**request.headers, "args": request.args.to_dict(), "body": request.get_data()})
        seen = len(self.asked)
        if what == "flaky" and seen < 3:
            return Response(status=503, headers={"Retry-After": "0"})
        if what == "working" and seen < 2:
            return Response(b'{"code":"request_in_progress"}', 409, {"Retry-After": "1"})
        if what == "slow":
            time.sleep(1)
        if what == "dripping":
            return Response((time.sleep(0.05) or b" " for _ in range(100)), 200)
        said = {
            "missing": (404, b'{"code":"no_such_box","detail":"gone"}'),
            "plain": (404, b"gone"),
            "down": (503, b""),
            "fault": (500, b""),
            "nonsense": (200, b"<html>"),
            "moved": (302, b""),
            "huge": (200, b" " * (9 * 1024 * 1024)),
        }
        status, body = said.get(what, (200, b'{"box":1}'))
        return Response(body, status, {"Set-Cookie": "who=alice", "Location": "/box"})


@pytest.fixture
def boxes():
    return Boxes()


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path, "gateway", "shelves")


@pytest.fixture
def peer(boxes, keys):
    with live.live(boxes) as address:
        yield Peer("boxes", address, keys.signer("shelves"), read_timeout_seconds=0.5, pause=lambda _: None)


@pytest.fixture(params=["real", "double"])
def either(request):
    if request.param == "real":
        return request.getfixturevalue("peer")
    return FakePeer(
        answers={
            ("GET", "/box"): (200, {"box": 1}),
            ("GET", "/missing"): (404, {"code": "no_such_box", "detail": "gone"}),
            ("GET", "/down"): PeerUnavailable(),
        }
    )


def test_both_answer_with_status_and_json(either):
    answer = either.call("GET", "/box", subject=USER)
    assert (answer.status, answer.json()) == (200, {"box": 1})


def test_both_tell_a_refusal_by_status_and_code(either):
    with pytest.raises(PeerError) as raised:
        either.call("GET", "/missing")
    assert (raised.value.status, raised.value.code, raised.value.detail) == (404, "no_such_box", "gone")


def test_both_tell_that_it_is_down(either):
    with pytest.raises(PeerUnavailable):
        either.call("GET", "/down")


def test_the_double_remembers_what_it_was_asked():
    double = FakePeer()
    with pytest.raises(PeerError):
        double.call("POST", "/box", json={"a": 1}, subject=USER, idempotency_key=USER)
    (call,) = double.calls
    assert (call.method, call.path, call.json) == ("POST", "/box", {"a": 1})
    assert call.subject == call.idempotency_key == str(USER)


def test_a_call_says_for_whom_and_in_which_request_it_is_made(peer, boxes, keys):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with context.use(RequestContext("request-0001", trace, time.monotonic() + 5)):
        peer.call(
            "POST", "/box", json={"id": USER}, params={"a": "b c"}, subject=USER, idempotency_key="key-1"
        )
    (asked,) = boxes.asked
    assertion = Verifier(TrustBundle.load(keys.trust_bundle_file), "boxes").verify(asked["Authorization"][7:])
    assert (assertion.issuer, assertion.user_id, assertion.actor) == ("shelves", USER, "shelves")
    assert asked["X-Request-Id"] == "request-0001"
    assert asked["Traceparent"][:36] == trace[:36]
    assert asked["Traceparent"] != trace
    assert 4000 < int(asked["X-Request-Deadline-Ms"]) <= 5000
    assert (asked["Idempotency-Key"], asked["args"]) == ("key-1", {"a": "b c"})
    assert orjson.loads(asked["body"]) == {"id": str(USER)}


@pytest.mark.parametrize(
    "options", [{"method": "GET"}, {"method": "PUT"}, {"method": "POST", "idempotency_key": "k"}]
)
def test_what_is_safe_to_repeat_is_repeated(peer, boxes, options):
    assert peer.call(path="/flaky", **options).status == 200
    assert len(boxes.asked) == 3


def test_what_is_not_safe_to_repeat_is_asked_once(peer, boxes):
    with pytest.raises(PeerUnavailable):
        peer.call("POST", "/flaky", json={})
    assert len(boxes.asked) == 1


def test_a_fault_of_the_peer_is_not_repeated(peer, boxes):
    with pytest.raises(PeerUnavailable):
        peer.call("GET", "/fault")
    assert len(boxes.asked) == 1


def test_a_first_request_that_still_runs_is_waited_for(boxes, keys):
    pauses = []
    with live.live(boxes) as address:
        peer = Peer("boxes", address, keys.signer("shelves"), pause=pauses.append)
        assert peer.call("POST", "/working", json={}, idempotency_key="k").status == 200
    assert pauses == [1.0]


def test_no_call_takes_longer_than_the_request_it_is_made_for(peer):
    began = time.monotonic()
    for path in ("/slow", "/dripping", "/down"):
        with (
            context.use(RequestContext(deadline=time.monotonic() + 0.2)),
            pytest.raises((PeerTimeout, PeerUnavailable)),
        ):
            peer.call("GET", path)
    assert time.monotonic() - began < 1.5


def test_a_slow_peer_is_left_after_its_time_even_without_a_deadline(peer, boxes):
    with pytest.raises(PeerTimeout):
        peer.call("POST", "/slow", json={})
    with pytest.raises(PeerTimeout):
        peer.call("POST", "/dripping", json={})
    assert len(boxes.asked) == 2


@pytest.mark.parametrize(("path", "error"), [("/plain", PeerError), ("/huge", PeerUnavailable)])
def test_answers_of_another_kind_are_errors_too(peer, path, error):
    with pytest.raises(error):
        peer.call("GET", path)


def test_nonsense_is_told_as_such(peer):
    with pytest.raises(PeerNonsense):
        peer.call("GET", "/nonsense").json()


def test_a_redirect_is_not_followed(peer, boxes):
    assert peer.call("GET", "/moved").status == 302
    assert len(boxes.asked) == 1


def test_nothing_of_one_call_is_carried_into_the_next(peer, boxes, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for subject in (USER, None):
        peer.call("GET", "/box", subject=subject)
    assert "Cookie" not in boxes.asked[1]
    assert boxes.asked[0]["Authorization"] != boxes.asked[1]["Authorization"]


def test_a_peer_that_cannot_be_reached_is_soon_left_alone(keys):
    with live.live(Boxes()) as address:
        pass
    pauses = []
    peer = Peer("boxes", address, keys.signer("shelves"), breaker=Breaker(failures=3), pause=pauses.append)
    with pytest.raises(PeerUnavailable, match="cannot be reached"):
        peer.call("GET", "/box")
    assert len(pauses) == 2
    with pytest.raises(PeerUnavailable, match="left alone") as raised:
        peer.call("GET", "/box")
    assert 0 < raised.value.retry_after_seconds <= 2
    assert len(pauses) == 2  # whoever is left alone is not waited for either
    assert REGISTRY.get_sample_value("peer_breaker_open", {"peer": "boxes"}) == 1


def test_a_deadline_that_was_too_short_is_not_held_against_the_peer(boxes, keys):
    breaker = Breaker(failures=1)
    with live.live(boxes) as address:
        peer = Peer("boxes", address, keys.signer("shelves"), breaker=breaker)
        with context.use(RequestContext(deadline=time.monotonic() + 0.1)), pytest.raises(PeerTimeout):
            peer.call("GET", "/slow")
    assert breaker.wait_seconds() == 0


def test_each_attempt_in_a_sampled_trace_is_a_span_that_the_peer_is_told(peer, boxes):
    kept = []
    spans = Spans(lambda batch: True)
    spans.record = kept.append
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with context.use(RequestContext("request-0001", trace, time.monotonic() + 5, spans=spans)):
        peer.call("GET", "/box", params={"a": "b c"}, subject=USER)
        with pytest.raises(PeerError):
            peer.call("GET", "/missing", params={"of": USER})
    fine, missing = kept
    assert (fine.name, fine.kind, fine.parent_id, fine.failed) == (
        "GET boxes",
        "CLIENT",
        "00f067aa0ba902b7",
        False,
    )
    assert [asked["Traceparent"][36:52] for asked in boxes.asked] == [fine.span_id, missing.span_id]
    assert missing.failed and missing.attributes["http.response.status_code"] == 404
    assert str(USER) not in str(kept)
