"""Idempotency keys: Stripe's rules, one effect for one key."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

DECLINED = "pm_card_visa_chargeDeclined"


def test_the_same_request_is_answered_the_same_without_a_second_effect(sandbox, client):
    form = {"amount": 700, "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}
    first = sandbox.post("/v1/payment_intents", "same", **form)
    second = sandbox.post("/v1/payment_intents", "same", **form)
    assert (second.status_code, second.content) == (200, first.content)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert [each.amount for each in client.v1.payment_intents.list()].count(700) == 1


def test_a_decline_is_replayed_too(sandbox):
    form = {"amount": 701, "currency": "eur", "confirm": "true", "payment_method": DECLINED}
    first, second = (sandbox.post("/v1/payment_intents", "declined", **form) for _ in range(2))
    assert (first.status_code, second.status_code) == (402, 402)
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_refund_is_made_once_for_a_key_and_its_refusal_is_replayed(client, paying):
    intent = client.v1.payment_intents.create(paying())
    once, refused = {"idempotency_key": f"once-{intent.id}"}, {"idempotency_key": f"no-{intent.id}"}
    refunds = [client.v1.refunds.create({"payment_intent": intent.id}, once).id for _ in range(3)]
    assert len(set(refunds)) == 1
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as error:
            client.v1.refunds.create({"payment_intent": intent.id}, refused)
        assert error.value.code == "charge_already_refunded"
    assert error.value.headers["Idempotent-Replayed"] == "true"


def test_a_key_is_not_used_for_other_parameters_or_another_path(client, paying):
    key = {"idempotency_key": "other"}
    intent = client.v1.payment_intents.create(paying(), key)
    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.payment_intents.create(paying(amount=2000), key)
    assert refused.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create({"payment_intent": intent.id}, key)


def test_a_request_that_was_wrong_does_not_use_up_its_key(client, paying):
    key = {"idempotency_key": "corrected"}
    for wrong in ({"amount": 0}, {"payment_method": "pm_unknown"}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.payment_intents.create(paying(**wrong), key)
    assert client.v1.payment_intents.create(paying(), key).status == "succeeded"


def test_twenty_concurrent_requests_with_one_key_make_one_intent(sandbox, client):
    form = {"amount": 720, "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: sandbox.post("/v1/payment_intents", "twenty", **form), range(20)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.json()["id"] for answer in answers if answer.ok}) == 1
    assert [each.amount for each in client.v1.payment_intents.list({"limit": 100})].count(720) == 1


def test_a_key_in_use_is_a_conflict_that_the_library_retries_away(sandbox, client, paying, until):
    slow = paying("pm_card_visa_slow", amount=740)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.v1.payment_intents.create, slow, {"idempotency_key": "busy"})
        until(lambda: 740 in [each.amount for each in client.v1.payment_intents.list()])
        with pytest.raises(stripe.APIError) as conflict:
            client.v1.payment_intents.create(slow, {"idempotency_key": "busy"})
        assert (conflict.value.http_status, conflict.value.error.code) == (409, "idempotency_key_in_use")
        patient = sandbox.client(max_network_retries=5)
        again = patient.v1.payment_intents.create(slow, {"idempotency_key": "busy"})
    assert (again.id, again.status) == (first.result().id, "succeeded")


@pytest.mark.parametrize(
    ("method", "settled"), [("pm_card_visa_silent", 200), ("pm_card_visa_silent_declined", 402)]
)
def test_a_silent_payment_is_replayed_with_what_has_become_of_it(sandbox, client, method, settled, until):
    form = {"amount": 730, "currency": "eur", "confirm": "true", "payment_method": method}
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(form, {"idempotency_key": method})
    taken = client.v1.payment_intents.list({"limit": 1}).data[0].id
    until(lambda: client.v1.payment_intents.retrieve(taken).status != "processing")
    replay = sandbox.post("/v1/payment_intents", method, **form)
    assert replay.status_code == settled
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert taken in replay.text


def test_a_key_has_at_most_255_characters(sandbox, client, paying):
    with pytest.raises(stripe.InvalidRequestError, match="255"):
        client.v1.payment_intents.create(paying(), {"idempotency_key": "k" * 256})
    assert client.v1.payment_intents.create(paying(), {"idempotency_key": "k" * 255}).status == "succeeded"
