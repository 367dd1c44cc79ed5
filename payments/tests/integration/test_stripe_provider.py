"""The adapter against the sandbox and against servers that break: unknown stays unknown."""

import json
import signal
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from samples import API_KEY, payment_by, refund_of

from chassis import context
from chassis.context import RequestContext
from payments.domain import PaymentStatus, RefundStatus
from payments.service.ports import ProviderUnavailable
from payments.stripe_provider import StripeProvider


@pytest.fixture
def provider(sandbox):
    return StripeProvider(API_KEY, sandbox.url, timeout_seconds=5)


@contextmanager
def a_server_that(answers):
    """Serve each connection by `answers(connection)` on a port of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                answers(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def reply(status, body):
    text = (
        f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    return lambda connection: connection.sendall(text.encode())


def script(*replies):
    """Give each connection the next reply."""
    waiting = list(replies)
    return lambda connection: waiting.pop(0)(connection)


@pytest.mark.parametrize(
    "answers",
    [
        lambda connection: None,
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        reply(500, '{"error": {"type": "api_error", "message": "x"}}'),
        reply(503, "<html>"),
        reply(200, "<html>"),
        reply(200, "[]"),
        reply(200, "{}"),
        reply(200, '{"object": "payment_intent", "id": "pi_1"}'),
        reply(401, '{"error": {"type": "invalid_request_error", "message": "x"}}'),
        reply(404, '{"error": {"type": "invalid_request_error", "message": "x"}}'),
        reply(400, '{"error": {"type": "idempotency_error", "message": "x"}}'),
        reply(429, '{"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "x"}}'),
    ],
)
def test_an_answer_that_does_not_say_what_was_done_leaves_the_outcome_unknown(answers):
    with a_server_that(answers) as url:
        provider = StripeProvider(API_KEY, url, timeout_seconds=1)
        payment = payment_by(reference="pi_1")
        for ask in (provider.charge, provider.look_up, lambda paid: provider.refund(refund_of(paid), paid)):
            with pytest.raises(ProviderUnavailable):
                ask(payment)


def test_nobody_listening_is_unknown_too():
    provider = StripeProvider(API_KEY, "http://127.0.0.1:9", timeout_seconds=1)
    with pytest.raises(ProviderUnavailable):
        provider.charge(payment_by())


def drip(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    try:
        while True:
            connection.sendall(b"{")
            time.sleep(0.05)
    except OSError:
        pass


def test_a_call_ends_before_its_request_does_however_slowly_the_answer_drips():
    with a_server_that(drip) as url:
        provider = StripeProvider(API_KEY, url, timeout_seconds=30)
        began_at = time.monotonic()
        with context.use(RequestContext(deadline=began_at + 1.5)), pytest.raises(ProviderUnavailable):
            provider.charge(payment_by())
        assert time.monotonic() - began_at < 1.5


def test_a_refused_request_is_a_failed_payment(provider):
    outcome = provider.charge(payment_by("pm_card_nobody_knows"))
    assert (outcome.status, outcome.failure_code) == (PaymentStatus.FAILED, "resource_missing")


def test_a_silent_charge_is_the_same_intent_later(provider, sandbox, until):
    payment = payment_by("pm_card_visa_silent")
    assert provider.charge(payment).status is PaymentStatus.PROCESSING
    until(lambda: provider.look_up(payment).status is PaymentStatus.SUCCEEDED)
    assert provider.charge(payment) == provider.look_up(payment)
    assert len(sandbox.intents_of(payment.id)) == 1


def test_what_somebody_else_gave_back_counts_as_given_back(provider, sandbox):
    payment = payment_by()
    payment = payment.known_as(provider.charge(payment).reference)
    by_hand = provider.refund(refund_of(payment), payment)
    ours = provider.refund(refund_of(payment), payment)
    assert (ours.status, ours.reference) == (RefundStatus.SUCCEEDED, by_hand.reference)
    assert sandbox.refunds_of(sandbox.intents_of(payment.id)[0]) == [payment.amount]


def test_a_frozen_provider_costs_a_bounded_time(provider, sandbox):
    sandbox.signal(signal.SIGSTOP)
    try:
        began_at = time.monotonic()
        with context.use(RequestContext(deadline=began_at + 2)), pytest.raises(ProviderUnavailable):
            provider.charge(payment_by())
        assert time.monotonic() - began_at < 2
    finally:
        sandbox.signal(signal.SIGCONT)


def test_a_refund_that_takes_its_time_is_looked_up_by_its_reference():
    payment = payment_by(reference="pi_1")
    answers = script(
        reply(200, '{"object": "refund", "id": "re_1", "status": "pending"}'),
        reply(200, '{"object": "refund", "id": "re_1", "status": "succeeded"}'),
    )
    with a_server_that(answers) as url:
        provider = StripeProvider(API_KEY, url, timeout_seconds=1)
        refund = refund_of(payment)
        outcome = provider.refund(refund, payment)
        assert (outcome.status, outcome.reference) == (RefundStatus.PENDING, "re_1")
        outcome = provider.refund(refund.become(outcome, payment.created_at), payment)
        assert (outcome.status, outcome.reference) == (RefundStatus.SUCCEEDED, "re_1")


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_failed_is_not_taken_for_one_that_was_given(status):
    with a_server_that(reply(200, json.dumps({"object": "refund", "id": "re_1", "status": status}))) as url:
        provider = StripeProvider(API_KEY, url, timeout_seconds=1)
        payment = payment_by(reference="pi_1")
        outcome = provider.refund(refund_of(payment), payment)
    assert (outcome.status, outcome.reference, outcome.failed) == (RefundStatus.PENDING, "re_1", True)


def intent(status):
    return reply(
        200, json.dumps({"object": "payment_intent", "id": "pi_1", "status": status, "metadata": {}})
    )


@pytest.mark.parametrize("status", ["requires_action", "requires_confirmation"])
def test_an_intent_that_waits_for_nobody_is_cancelled_and_only_then_failed(status):
    payment = payment_by()
    canceled = {"last_payment_error": None, "object": "payment_intent", "id": "pi_1", "status": "canceled"}
    with a_server_that(script(intent(status), reply(200, json.dumps(canceled)))) as url:
        outcome = StripeProvider(API_KEY, url, timeout_seconds=1).charge(payment)
    assert (outcome.status, outcome.failure_code) == (PaymentStatus.FAILED, "canceled")
    refused = reply(400, '{"error": {"type": "invalid_request_error", "message": "it has just succeeded"}}')
    with a_server_that(script(intent(status), refused)) as url, pytest.raises(ProviderUnavailable):
        StripeProvider(API_KEY, url, timeout_seconds=1).charge(payment)


def test_a_status_that_nobody_knows_yet_is_no_outcome():
    with a_server_that(intent("a_status_of_next_year")) as url:
        outcome = StripeProvider(API_KEY, url, timeout_seconds=1).charge(payment_by())
    assert (outcome.status, outcome.reference) == (PaymentStatus.PROCESSING, "pi_1")
