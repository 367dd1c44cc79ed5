"""Unit tests of the domain: the transitions and the pauses between tries."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import uuid4

import pytest

from payments.domain import MOVES, IllegalMove, Order, Payment, PaymentStatus, retry_delay

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PROCESSING = Payment(
    id=uuid4(),
    order_id=uuid4(),
    user_id=uuid4(),
    amount=1,
    currency="EUR",
    payment_method="pm_card_visa",
    request_id="r",
    traceparent="t",
    created_at=NOW,
    updated_at=NOW,
)
LEGAL = {("processing", "succeeded"), ("processing", "failed"), ("succeeded", "refunded")}


@pytest.mark.parametrize(("before", "after"), [*product(PaymentStatus, PaymentStatus)])
def test_a_payment_moves_as_the_table_says_and_not_otherwise(before, after):
    payment = replace(PROCESSING, status=before)
    if (before, after) in LEGAL:
        moved = payment.become(after, NOW + timedelta(seconds=1))
        assert (moved.status, moved.version, moved.updated_at) == (after, 2, NOW + timedelta(seconds=1))
    else:
        with pytest.raises(IllegalMove):
            payment.become(after, NOW)


def test_every_status_is_in_the_table():
    assert set(MOVES) == set(PaymentStatus)


def test_an_order_can_be_paid_until_it_expires_or_closes():
    order = Order(id=uuid4(), user_id=uuid4(), total=1, currency="EUR", expires_at=NOW)
    assert order.payable(NOW - timedelta(microseconds=1))
    assert not order.payable(NOW)
    assert not replace(order, open=False).payable(NOW - timedelta(minutes=1))


def test_the_first_reference_of_the_provider_stays():
    assert PROCESSING.known_as("pi_1").known_as("pi_2").known_as(None).reference == "pi_1"


@pytest.mark.parametrize(
    ("age", "delay"),
    [
        (timedelta(0), timedelta(seconds=1)),
        (timedelta(seconds=60), timedelta(seconds=3.75)),
        (timedelta(days=3), timedelta(minutes=5)),
    ],
)
def test_the_pause_before_the_next_try_grows_with_the_age_within_bounds(age, delay):
    assert retry_delay(NOW, NOW + age) == delay
