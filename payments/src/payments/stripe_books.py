"""Stripe: its own books, read page by page: what was charged for us, and what was given back."""

from collections.abc import Iterator
from datetime import UTC, datetime

import stripe
from stripe import PaymentIntent

from payments.domain import Charge, RefundStatus, Repayment
from payments.stripe_provider import (
    id_in_metadata,
    outcome_of,
    payment_id_of,
    stripe_client,
    unknown_without_a_word,
)

PAGE = 100
REFUND_STATUS = {"succeeded": RefundStatus.SUCCEEDED, "pending": RefundStatus.PENDING}


class StripeBooks:
    """The port of the provider's books: payment intents whose metadata names a payment, and refunds."""

    def __init__(self, api_key: str, api_base: str, timeout_seconds: float) -> None:
        self._stripe = stripe_client(api_key, api_base, timeout_seconds)

    def charges_since(self, moment: datetime) -> Iterator[Charge]:
        with unknown_without_a_word():
            listed = self._stripe.v1.payment_intents.list(
                {"created": {"gte": int(moment.timestamp())}, "limit": PAGE}
            )
            for intent in listed.auto_paging_iter():
                if (charge := _charge(intent)) is not None:
                    yield charge

    def repayments_since(self, moment: datetime) -> Iterator[Repayment]:
        with unknown_without_a_word():
            listed = self._stripe.v1.refunds.list(
                {"created": {"gte": int(moment.timestamp())}, "limit": PAGE}
            )
            for refund in listed.auto_paging_iter():
                if (repayment := _repayment(refund)) is not None:
                    yield repayment

    def find_charge(self, reference: str) -> Charge | None:
        with unknown_without_a_word():
            try:
                return _charge(self._stripe.v1.payment_intents.retrieve(reference))
            except stripe.InvalidRequestError as refusal:
                return _none_if_missing(refusal)

    def find_repayment(self, reference: str) -> Repayment | None:
        with unknown_without_a_word():
            try:
                return _repayment(self._stripe.v1.refunds.retrieve(reference))
            except stripe.InvalidRequestError as refusal:
                return _none_if_missing(refusal)


def _charge(intent: PaymentIntent) -> Charge | None:
    payment_id = payment_id_of(intent)
    if payment_id is None:
        return None
    return Charge(
        reference=intent.id,
        payment_id=payment_id,
        order_id=id_in_metadata(intent, "order_id"),
        amount=intent.amount,
        currency=intent.currency.upper(),
        payment_method=str(intent.payment_method or ""),
        made_at=datetime.fromtimestamp(intent.created, UTC),
        outcome=outcome_of(intent),
    )


def _repayment(refund: stripe.Refund) -> Repayment | None:
    status = REFUND_STATUS.get(str(refund.status))
    if status is None or refund.payment_intent is None:
        return None
    return Repayment(
        reference=refund.id,
        charge=str(refund.payment_intent),
        amount=refund.amount,
        currency=refund.currency.upper(),
        status=status,
    )


def _none_if_missing(refusal: stripe.InvalidRequestError) -> None:
    if refusal.http_status != 404:
        raise refusal
