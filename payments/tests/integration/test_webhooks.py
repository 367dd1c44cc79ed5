"""Stripe's webhooks: what is signed takes effect once, everything else is refused, counted and leaves nothing."""

import json
import time
from dataclasses import replace
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from samples import WEBHOOK_SECRETS
from stripe import WebhookSignature

from chassis.ids import new_id
from chassis.settings import Secret
from payments.app import create_app
from payments.domain import PaymentStatus

OLD_SECRET, NEW_SECRET = WEBHOOK_SECRETS


def event(payment_id=None, status="succeeded", kind="payment_intent.succeeded", **values):
    metadata = {"payment_id": str(payment_id)} if payment_id else {}
    intent = {
        "object": "payment_intent",
        "id": "pi_1",
        "status": status,
        "metadata": metadata,
        "last_payment_error": None,
    }
    told = {"object": "event", "id": f"evt_{uuid4().hex}", "type": kind, "data": {"object": intent}}
    return json.dumps({**told, **values})


def sign(payload, secret=NEW_SECRET, age_seconds=0):
    return WebhookSignature.generate_signature_header(payload, secret, int(time.time()) - age_seconds)


@pytest.fixture
def stripe(anna):
    """Stripe, for whom the gateway vouches as for anybody."""
    return replace(anna, user_id=None)


@pytest.fixture
def send(stripe):
    def send(payload, signature=None):
        headers = {"Stripe-Signature": sign(payload) if signature is None else signature}
        return stripe.call(
            "POST", "/webhooks/stripe", data=payload, content_type="application/json", headers=headers
        )

    return send


@pytest.fixture
def processing(anna, placed, database):
    """A payment whose outcome only a webhook will tell."""
    return anna.pay(placed(anna), "pm_card_visa_silent").json["id"]


def counted(result):
    return REGISTRY.get_sample_value("payments_webhooks_total", {"result": result}) or 0.0


def status_of(database, payment_id):
    with database.read() as one:
        return one.payment(payment_id).status


def rows(database, table):
    with database.read() as one:
        return one.conn.execute(f"SELECT count(*) AS rows FROM {table}").fetchone()["rows"]


@pytest.mark.parametrize("secret", [OLD_SECRET, NEW_SECRET])
def test_a_success_is_stored_before_it_is_answered(send, database, processing, secret):
    told = event(processing)
    answer = send(told, sign(told, secret))
    assert (answer.status_code, answer.json) == (200, {"received": True})
    assert status_of(database, processing) is PaymentStatus.SUCCEEDED


def test_a_notice_that_comes_again_changes_nothing_more(send, database, processing):
    told, before = event(processing), counted("duplicate")
    assert [send(told).status_code for _ in range(3)] == [200, 200, 200]
    assert (rows(database, "outbox"), rows(database, "notices")) == (1, 1)
    assert counted("duplicate") == before + 2


def test_notices_of_other_things_are_taken_and_change_nothing(send, database, processing):
    for told in (
        event(),
        event(new_id()),
        event("somebody else's payment"),
        event(kind="charge.updated", data={"object": {"object": "charge", "id": "ch_1"}}),
        event(processing, status="a_status_of_next_year"),
    ):
        assert send(told).status_code == 200
    assert status_of(database, processing) is PaymentStatus.PROCESSING


def test_what_comes_late_changes_nothing_more(send, database, processing):
    late = [
        event(processing, status="requires_payment_method", kind="payment_intent.payment_failed"),
        event(processing, status="processing", kind="payment_intent.processing"),
        event(processing, status="canceled", kind="payment_intent.canceled"),
    ]
    for told in (late[1], event(processing), *late, event(processing)):
        assert send(told).status_code == 200
    assert status_of(database, processing) is PaymentStatus.SUCCEEDED
    assert rows(database, "outbox") == 1


def test_without_a_database_a_notice_is_not_taken(settings, anna, send):
    gone = replace(settings, db_url=Secret("postgresql://nobody@127.0.0.1:9/nothing"))
    told = event()
    cut_off = replace(anna, user_id=None, http=create_app(gone).test_client())
    answer = cut_off.call("POST", "/webhooks/stripe", data=told, headers={"Stripe-Signature": sign(told)})
    assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
    assert send(told).status_code == 200


def forged(told):
    return told, sign(told, "whsec_somebody_elses")


def altered(told):
    return told.replace("succeeded", "canceled"), sign(told)


REFUSED = {
    "forged": (forged, "webhook_signature_invalid"),
    "altered": (altered, "webhook_signature_invalid"),
    "unsigned": (lambda told: (told, ""), "webhook_signature_invalid"),
    "nonsense": (lambda told: (told, "t=1,v1=ü,,=,"), "webhook_signature_invalid"),
    "without a time": (lambda told: (told, "v1=00"), "webhook_signature_invalid"),
    "another scheme": (lambda told: (told, sign(told).replace("v1=", "v0=")), "webhook_signature_invalid"),
    "old": (lambda told: (told, sign(told, age_seconds=301)), "webhook_expired"),
    "from the future": (lambda told: (told, sign(told, age_seconds=-302)), "webhook_expired"),
    "no json": (lambda told: (told[:-1], sign(told[:-1])), "webhook_malformed"),
    "no object": (lambda told: ("[]", sign("[]")), "webhook_malformed"),
    "no event": (lambda told: ("{}", sign("{}")), "webhook_malformed"),
    "no id": (lambda told: ('{"object": "event"}', sign('{"object": "event"}')), "webhook_malformed"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_good_is_refused_counted_and_not_stored(send, database, processing, kind):
    make, code = REFUSED[kind]
    before = counted(code)
    refused = send(*make(event(processing)))
    assert (refused.status_code, refused.json["code"]) == (400, code)
    assert counted(code) == before + 1
    assert status_of(database, processing) is PaymentStatus.PROCESSING
    assert (rows(database, "notices"), rows(database, "outbox")) == (0, 0)


def test_bytes_that_are_no_text_are_refused(send):
    refused = send(b"\xff\xfe", "t=1,v1=00")
    assert (refused.status_code, refused.json["code"]) == (400, "webhook_malformed")
