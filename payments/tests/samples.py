"""Samples: a payment, its refund, and the secrets that tests share."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chassis.ids import new_id
from payments.domain import Payment, Refund, RefundReason

API_KEY = "sk_test_payments"
WEBHOOK_SECRETS = ("whsec_old", "whsec_new")


def payment_by(method: str = "pm_card_visa", **values: Any) -> Payment:
    now = datetime.now(UTC)
    usual = Payment(
        id=new_id(),
        order_id=new_id(),
        user_id=new_id(),
        amount=1999,
        currency="EUR",
        payment_method=method,
        request_id="request",
        traceparent="trace",
        created_at=now,
        updated_at=now,
    )
    return replace(usual, **values)


def refund_of(payment: Payment, **values: Any) -> Refund:
    usual = Refund(
        id=new_id(),
        payment_id=payment.id,
        amount=payment.amount,
        currency=payment.currency,
        reason=RefundReason.REQUESTED,
        created_at=payment.created_at,
        updated_at=payment.created_at,
    )
    return replace(usual, **values)
