"""Refunds as the official library sees them: never more than was charged."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe


def test_a_refund_gives_everything_back_unless_told_otherwise(client, paying):
    intent = client.v1.payment_intents.create(paying())
    refund = client.v1.refunds.create(
        {
            "payment_intent": intent.id,
            "reason": "requested_by_customer",
            "metadata": {"refund_id": "r-1"},
        }
    )
    assert (refund.amount, refund.status, refund.payment_intent) == (1999, "succeeded", intent.id)
    assert (refund.reason, refund.metadata["refund_id"]) == ("requested_by_customer", "r-1")
    assert client.v1.refunds.retrieve(refund.id).charge == intent.latest_charge
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.refunded, charge.amount_refunded) == (True, 1999)


def test_parts_are_refunded_until_nothing_is_left(client, paying):
    intent = client.v1.payment_intents.create(paying())
    for amount in (999, 1000):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": amount})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    assert (refused.value.http_status, refused.value.code) == (400, "charge_already_refunded")
    assert [refund.amount for refund in client.v1.refunds.list({"payment_intent": intent.id})] == [1000, 999]


def test_more_than_is_left_is_not_refunded(client, paying):
    intent = client.v1.payment_intents.create(paying())
    client.v1.refunds.create({"charge": intent.latest_charge, "amount": 1000})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
    assert (refused.value.code, refused.value.param) == ("amount_too_large", "amount")
    assert client.v1.charges.retrieve(intent.latest_charge).amount_refunded == 1000


def test_concurrent_refunds_give_back_no_more_than_was_charged(client, paying):
    intent = client.v1.payment_intents.create(paying())

    def refund(_: int) -> str:
        try:
            return client.v1.refunds.create({"payment_intent": intent.id}).status
        except stripe.InvalidRequestError as refused:
            return refused.code

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(refund, range(10)))
    assert sorted(outcomes) == ["charge_already_refunded"] * 9 + ["succeeded"]


def test_what_was_never_charged_is_not_refunded(client, paying):
    intent = client.v1.payment_intents.create(paying(confirm=False))
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": intent.id})


@pytest.mark.parametrize("reference", ["payment_intent", "charge"])
def test_an_unknown_reference_is_not_refunded(client, reference):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({reference: "xx_unknown"})
    assert (refused.value.http_status, refused.value.code) == (400, "resource_missing")
    assert refused.value.param == reference


@pytest.mark.parametrize(
    ("method", "begun"), [("pm_card_refundFail", "succeeded"), ("pm_card_visa_pendingRefundFail", "pending")]
)
def test_a_refund_to_a_closed_card_fails_after_a_while(client, paying, until, method, begun):
    intent = client.v1.payment_intents.create(paying(method))
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert (refund.status, refund.failure_reason) == (begun, None)
    until(lambda: client.v1.refunds.retrieve(refund.id).status == "failed")
    [told] = client.v1.events.list({"type": "refund.failed", "limit": 1})
    assert told.data.object.id == refund.id
    assert client.v1.charges.retrieve(intent.latest_charge).amount_refunded == 0
