"""Webhooks: signed as Stripe signs, sent until taken, for what happened and nothing else."""

import pytest
import requests
import stripe

SECRET = "whsec_souk"


@pytest.fixture
def hooked(make_sandbox, receiver):
    return make_sandbox(SANDBOX_WEBHOOK_URL=receiver.url)


def test_a_payment_is_told_with_a_signature_the_library_accepts(hooked, receiver, paying, until):
    intent = hooked.client().v1.payment_intents.create(paying(), {"idempotency_key": "told"})
    [event] = until(lambda: receiver.events("payment_intent.succeeded"))
    assert event.data.object["id"] == intent.id
    assert event.data.object["metadata"]["order_id"] == "o-1"
    assert event.request.idempotency_key == "told"
    payload, header = receiver.received[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(payload.replace(b"1999", b"1"), header, SECRET)


def test_declines_and_silent_settlements_are_told(hooked, receiver, paying, until):
    client = hooked.client()
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.create(paying("pm_card_visa_chargeDeclined"))
    [failed] = until(lambda: receiver.events("payment_intent.payment_failed"))
    assert failed.data.object["last_payment_error"]["code"] == "card_declined"
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(paying("pm_card_visa_silent"))
    [settled] = until(lambda: receiver.events("payment_intent.succeeded"))
    assert settled.data.object["status"] == "succeeded"


def test_a_refund_and_a_cancellation_are_told(hooked, receiver, paying, until):
    client = hooked.client()
    intent = client.v1.payment_intents.create(paying())
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    [refunded] = until(lambda: receiver.events("charge.refunded"))
    assert (refunded.data.object["id"], refunded.data.object["amount_refunded"]) == (
        intent.latest_charge,
        500,
    )
    [created] = until(lambda: receiver.events("refund.created"))
    assert created.data.object["id"] == refund.id
    unpaid = client.v1.payment_intents.create(paying(confirm=False))
    client.v1.payment_intents.cancel(unpaid.id)
    [canceled] = until(lambda: receiver.events("payment_intent.canceled"))
    assert canceled.data.object["id"] == unpaid.id


def test_what_is_not_taken_is_sent_again_as_the_same_event(hooked, receiver, paying, until):
    receiver.status = 503
    hooked.client().v1.payment_intents.create(paying())
    until(lambda: receiver.received)
    receiver.status = 200
    first, second = until(lambda: len(receiver.received) > 1 and receiver.events("payment_intent.succeeded"))
    assert first.id == second.id


def test_what_nobody_takes_is_given_up_in_the_end(make_sandbox, receiver, paying, until):
    receiver.status = 500
    bounded = make_sandbox(SANDBOX_WEBHOOK_URL=receiver.url, SANDBOX_WEBHOOK_RETRY_SECONDS="0")
    bounded.client().v1.payment_intents.create(paying())
    until(lambda: "webhook given up" in bounded.output.read_text())
    assert len(receiver.received) == 1


def test_a_redirect_is_not_followed_nor_taken_for_an_answer(hooked, receiver, paying, until):
    receiver.status = 302
    hooked.client().v1.payment_intents.create(paying())
    until(lambda: len(receiver.received) > 1)
    assert requests.get(f"{hooked.url}/readyz", timeout=5).ok
