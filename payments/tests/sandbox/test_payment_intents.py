"""Payment intents as the official library sees them."""

import time

import pytest
import stripe

INSUFFICIENT = "pm_card_visa_chargeDeclinedInsufficientFunds"


def test_a_visa_card_is_charged_at_once(client, paying):
    intent = client.v1.payment_intents.create(paying())
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 1999, "eur")
    assert intent.metadata["order_id"] == "o-1"
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.paid, charge.amount, charge.payment_intent) == (True, 1999, intent.id)


@pytest.mark.parametrize(
    ("method", "reason"),
    [("pm_card_visa_chargeDeclined", "generic_decline"), (INSUFFICIENT, "insufficient_funds")],
)
def test_a_declined_card_is_a_card_error_and_leaves_the_intent_unpaid(client, paying, method, reason):
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create(paying(method))
    error = declined.value
    assert (error.http_status, error.code, error.error.decline_code) == (402, "card_declined", reason)
    intent = client.v1.payment_intents.retrieve(error.error.payment_intent.id)
    assert (intent.status, intent.payment_method, intent.amount_received) == (
        "requires_payment_method",
        None,
        0,
    )
    assert intent.last_payment_error.decline_code == reason
    assert client.v1.charges.retrieve(intent.latest_charge).status == "failed"


def test_a_declined_intent_can_be_confirmed_with_another_card(client, paying):
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create(paying(INSUFFICIENT))
    intent = client.v1.payment_intents.confirm(
        declined.value.error.payment_intent.id, {"payment_method": "pm_card_visa"}
    )
    assert (intent.status, intent.last_payment_error) == ("succeeded", None)
    charges = client.v1.charges.list({"payment_intent": intent.id})
    assert [charge.status for charge in charges] == ["succeeded", "failed"]


def test_an_intent_can_be_created_first_and_confirmed_later(client, paying):
    created = client.v1.payment_intents.create(paying(confirm=False))
    assert (created.status, created.latest_charge) == ("requires_confirmation", None)
    assert client.v1.payment_intents.confirm(created.id).status == "succeeded"


def test_an_intent_without_a_payment_method_cannot_be_confirmed(client, paying):
    created = client.v1.payment_intents.create({"amount": 100, "currency": "eur"})
    assert created.status == "requires_payment_method"
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        client.v1.payment_intents.confirm(created.id)


@pytest.mark.parametrize("again", ["confirm", "cancel"])
def test_a_paid_intent_is_neither_confirmed_nor_canceled(client, paying, again):
    intent = client.v1.payment_intents.create(paying())
    with pytest.raises(stripe.InvalidRequestError) as refused:
        getattr(client.v1.payment_intents, again)(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert len(client.v1.charges.list({"payment_intent": intent.id}).data) == 1


def test_an_unpaid_intent_is_canceled_for_good(client, paying):
    created = client.v1.payment_intents.create(paying(confirm=False))
    canceled = client.v1.payment_intents.cancel(created.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError, match="status of canceled"):
        client.v1.payment_intents.confirm(created.id)


def test_a_slow_card_is_charged_before_it_is_answered(sandbox, client, paying, until):
    impatient = sandbox.client(timeout_seconds=0.2)
    slow = paying("pm_card_visa_slow", metadata={"order_id": "slow"})
    with pytest.raises(stripe.APIConnectionError):
        impatient.v1.payment_intents.create(slow)
    [intent] = until(lambda: _of_order(client, "slow"))
    assert intent.status == "succeeded"
    started = time.monotonic()
    assert client.v1.payment_intents.create(slow).status == "succeeded"
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize(
    ("method", "settled"),
    [
        ("pm_card_visa_silent", "succeeded"),
        ("pm_card_visa_silent_declined", "requires_payment_method"),
    ],
)
def test_a_silent_card_answers_nothing_and_settles_by_itself(client, paying, method, settled, until):
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(paying(method, metadata={"order_id": method}))
    [taken] = _of_order(client, method)
    intent = until(lambda: _unless_processing(client.v1.payment_intents.retrieve(taken.id)))
    assert intent.status == settled
    assert len(client.v1.charges.list({"payment_intent": intent.id}).data) == 1


def test_references_are_expanded_on_request(client, paying):
    intent = client.v1.payment_intents.create(paying(expand=["latest_charge"]))
    assert intent.latest_charge.amount == 1999
    [newest] = client.v1.payment_intents.list({"limit": 1, "expand": ["data.latest_charge"]})
    assert newest.latest_charge.paid


def _of_order(client, order_id):
    return [
        each for each in client.v1.payment_intents.list() if each.metadata.to_dict() == {"order_id": order_id}
    ]


def _unless_processing(intent):
    return intent if intent.status != "processing" else None
