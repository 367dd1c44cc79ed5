"""What is sent by OTLP, to whom, and what becomes of it."""

import pytest

from chassis.otlp import OtlpExport, headers_of
from chassis.settings import Secret
from chassis.spans import CONSUMER, Span, TryLater
from chassis.testing.otlp import receiving

SPAN = Span(
    "process souk.boxes.box.moved",
    CONSUMER,
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "00f067aa0ba902b7",
    "b7ad6b7169203331",
    1_700_000_000_000_000_000,
    1_700_000_000_250_000_000,
    {"text": "a", "number": 1, "share": 0.5, "yes": True},
    failed=True,
)


class Settings:
    def __init__(self, url, headers=""):
        self.otlp_endpoint, self.otlp_headers = url, Secret(headers)
        self.otlp_certificate, self.release = "", "1.2"


def test_a_span_arrives_as_it_was():
    with receiving() as receiver:
        assert OtlpExport("boxes-worker", Settings(f"{receiver.url}/"))([SPAN, SPAN]) is True
    got = receiver.spans[1]
    assert (got.service, got.name, got.kind, got.failed) == ("boxes-worker", SPAN.name, "CONSUMER", True)
    assert (got.trace_id, got.span_id, got.parent_id) == SPAN[2:5]
    assert (got.seconds, got.attributes) == (0.25, SPAN.attributes)
    assert {name: type(value) for name, value in got.attributes.items()} == {
        "text": str,
        "number": int,
        "share": float,
        "yes": bool,
    }


def test_the_headers_of_a_vendor_are_sent_and_are_a_secret(caplog):
    with receiving() as receiver:
        settings = Settings(receiver.url, "api-key=s%3Dcret%2C, tenant = shop")
        assert OtlpExport("boxes", settings)([SPAN])
        receiver.status = 500
        assert not OtlpExport("boxes", settings)([SPAN])
    assert (receiver.headers["api-key"], receiver.headers["tenant"]) == ("s=cret,", "shop")
    assert "cret" not in caplog.text
    assert headers_of("") == {}


@pytest.mark.parametrize(("status", "later"), [(400, False), (401, False), (429, True), (503, True)])
def test_what_is_refused_for_good_is_not_sent_again(status, later):
    with receiving() as receiver:
        receiver.status = status
        export = OtlpExport("boxes", Settings(receiver.url))
        if later:
            with pytest.raises(TryLater):
                export([SPAN])
        else:
            assert export([SPAN]) is False


def test_an_outage_is_told_in_one_line_and_its_end_in_another(caplog):
    caplog.set_level("INFO")
    with receiving() as receiver:
        export = OtlpExport("boxes", Settings(receiver.url))
        for receiver.status in (503, 503, 503, 200, 200):
            try:
                export([SPAN])
            except TryLater:
                continue
    told = [record.message for record in caplog.records if record.name == "chassis.otlp"]
    assert told == ["spans are not exported", "spans are exported again"]
