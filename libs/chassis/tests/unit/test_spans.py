"""Spans on their way out: in the background, bounded, and nobody's trouble but their own."""

import threading
import time
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from chassis.context import RequestContext
from chassis.settings import ProcessSettings
from chassis.spans import CLIENT, Spans, TryLater, calling, kept_in, open_spans
from chassis.testing.waiting import until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAMPLED, NOT_SAMPLED = f"00-{TRACE}-00f067aa0ba902b7-01", f"00-{TRACE}-00f067aa0ba902b7-00"


def told(outcome):
    return REGISTRY.get_sample_value("trace_spans_total", {"outcome": outcome}) or 0


def note(spans, name="one"):
    spans.note(RequestContext(traceparent=SAMPLED), name, CLIENT, time.time_ns(), {})


class Taker:
    """An endpoint in memory; waits for `open` and then does what it is told."""

    def __init__(self, outcome=True):
        self.outcome = outcome
        self.open = threading.Event()
        self.open.set()
        self.batches = []

    def __call__(self, batch):
        self.open.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        self.batches.append([span.name for span in batch])
        return self.outcome

    def taken(self):
        return [name for batch in self.batches for name in batch]


def test_spans_are_exported_in_the_background_and_in_batches():
    taker, before = Taker(), told("exported")
    spans = Spans(taker, every_seconds=0.01)
    for number in range(100):
        note(spans, str(number))
    until(lambda: taker.taken() == [str(number) for number in range(100)])
    assert max(map(len, taker.batches)) <= 128
    until(lambda: told("exported") == before + 100)
    spans.close()


def test_what_an_endpoint_that_hangs_does_not_take_is_dropped_and_counted():
    taker, before = Taker(), told("dropped")
    taker.open.clear()
    spans = Spans(taker, most=10, every_seconds=0.01)
    note(spans, "in hand")
    until(lambda: not spans._waiting)
    began = time.monotonic()
    for _ in range(1000):
        note(spans)
    assert time.monotonic() - began < 1
    assert told("dropped") == before + 990
    taker.open.set()
    until(lambda: taker.taken() == ["in hand", *["one"] * 10])
    spans.close()


@pytest.mark.parametrize("outcome", [False, ValueError("a fault of its own")])
def test_what_could_not_be_sent_is_counted_and_the_next_is_tried(outcome):
    taker, failed, exported = Taker(outcome), told("failed"), told("exported")
    spans = Spans(taker, every_seconds=0.01)
    note(spans)
    until(lambda: told("failed") == failed + 1)
    taker.outcome = True
    note(spans)
    until(lambda: told("exported") == exported + 1)
    spans.close()


def test_what_may_be_taken_later_is_sent_again_in_its_order_and_not_for_ever():
    taker, failed = Taker(TryLater()), told("failed")
    spans = Spans(taker, every_seconds=0.01)
    note(spans, "first")
    until(lambda: spans._tries > 2)
    note(spans, "second")
    taker.outcome = True
    until(lambda: taker.taken() == ["first", "second"])
    taker.outcome = TryLater()
    note(spans, "third")
    until(lambda: told("failed") == failed + 1)
    spans.close()


def test_the_end_of_a_process_waits_for_the_last_spans_and_no_longer():
    taker = Taker()
    spans = Spans(taker, every_seconds=60)
    note(spans, "last")
    spans.close()
    assert taker.batches == [["last"]]
    taker.open.clear()
    hanging = Spans(taker, every_seconds=60)
    note(hanging)
    began = time.monotonic()
    hanging.close()
    assert 1 < time.monotonic() - began < 10
    taker.open.set()


def test_only_what_is_sampled_is_kept_and_without_an_endpoint_nothing():
    spans = Spans(Taker())
    assert kept_in(spans, SAMPLED) is spans
    assert kept_in(spans, NOT_SAMPLED) is None
    assert kept_in(None, SAMPLED) is None
    assert open_spans("boxes", ProcessSettings(trust_bundle_file=Path(), signing_key_file=Path())) is None


def test_a_call_is_a_child_of_its_request_and_says_how_it_ended():
    kept = []
    spans = Spans(Taker())
    spans.record = kept.append
    here = RequestContext(traceparent=SAMPLED, spans=spans)
    with calling(here, "GET boxes", {"server.address": "boxes"}, span_id="1" * 16) as answer:
        answer["http.response.status_code"] = 404
    with pytest.raises(KeyError), calling(here, "GET boxes", {}):
        raise KeyError("x") from TimeoutError()
    refused, late = kept
    assert (refused.trace_id, refused.span_id, refused.parent_id) == (TRACE, "1" * 16, "00f067aa0ba902b7")
    assert refused.failed and refused.attributes["http.response.status_code"] == 404
    assert late.failed and late.attributes == {"error.type": "TimeoutError"}
