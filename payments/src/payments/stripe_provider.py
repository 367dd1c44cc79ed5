"""Stripe: the provider port on the official library, and what Stripe's objects mean to us."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import stripe
from stripe import PaymentIntent, RequestsClient, StripeClient

from payments.domain import Outcome, Payment, PaymentStatus, Refund, RefundOutcome, RefundStatus
from payments.service.ports import ProviderUnavailable
from payments.stripe_transport import BoundedSession

# How far Stripe's clock and ours may be apart.
SKEW = timedelta(minutes=5)
GIVEN_UP = frozenset({"requires_payment_method", "canceled"})
STRANDED = frozenset({"requires_action", "requires_confirmation"})


def stripe_client(api_key: str, api_base: str, timeout_seconds: float) -> StripeClient:
    """The official library, bounded in time and silent."""
    # It would write an id for its telemetry into the home folder, and log each call twice.
    stripe.enable_telemetry = False
    logging.getLogger("stripe").setLevel(logging.WARNING)
    return StripeClient(
        api_key,
        base_addresses={"api": api_base},
        max_network_retries=1,
        http_client=RequestsClient(session=BoundedSession(timeout_seconds)),
    )


class StripeProvider:
    """The provider port: payment intents and refunds, each under an idempotency key of ours."""

    def __init__(self, api_key: str, api_base: str, timeout_seconds: float) -> None:
        self._stripe = stripe_client(api_key, api_base, timeout_seconds)

    def charge(self, payment: Payment) -> Outcome:
        with unknown_without_a_word():
            try:
                intent = self._create(payment)
            except stripe.CardError as refusal:
                return _refused(refusal)
            except stripe.InvalidRequestError as refusal:
                if refusal.http_status != 400:
                    raise
                return _refused(refusal)
            return self._settled(intent)

    def look_up(self, payment: Payment) -> Outcome | None:
        with unknown_without_a_word():
            intent = self._intent_of(payment)
            return None if intent is None else self._settled(intent)

    def refund(self, refund: Refund, payment: Payment) -> RefundOutcome:
        with unknown_without_a_word():
            made = self._refund_of(refund, payment)
            settled, failed = made.status == "succeeded", made.status in ("failed", "canceled")
            status = RefundStatus.SUCCEEDED if settled else RefundStatus.PENDING
            return RefundOutcome(status=status, reference=made.id, failed=failed)

    def _create(self, payment: Payment) -> PaymentIntent:
        return self._stripe.v1.payment_intents.create(
            {
                "amount": payment.amount,
                "currency": payment.currency.lower(),
                "payment_method": payment.payment_method,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "confirm": True,
                "error_on_requires_action": True,
                "metadata": {"payment_id": str(payment.id), "order_id": str(payment.order_id)},
            },
            {"idempotency_key": str(payment.id)},
        )

    def _intent_of(self, payment: Payment) -> PaymentIntent | None:
        if payment.reference:
            return self._stripe.v1.payment_intents.retrieve(payment.reference)
        made_between = {
            "gte": int((payment.created_at - SKEW).timestamp()),
            "lte": int((payment.created_at + timedelta(days=1) + SKEW).timestamp()),
        }
        listed = self._stripe.v1.payment_intents.list({"created": made_between, "limit": 100})
        return next((each for each in listed.auto_paging_iter() if payment_id_of(each) == payment.id), None)

    def _settled(self, intent: PaymentIntent) -> Outcome:
        # Nobody is there to take the next step of such an intent: cancelled, it can never become a charge.
        if intent.status in STRANDED:
            intent = self._stripe.v1.payment_intents.cancel(intent.id)
        return outcome_of(intent)

    def _refund_of(self, refund: Refund, payment: Payment) -> stripe.Refund:
        refunds = self._stripe.v1.refunds
        if refund.reference:
            return refunds.retrieve(refund.reference)
        try:
            return refunds.create(
                {
                    "payment_intent": str(payment.reference),
                    "amount": refund.amount,
                    "metadata": {"refund_id": str(refund.id), "payment_id": str(payment.id)},
                },
                {"idempotency_key": str(refund.id)},
            )
        except stripe.InvalidRequestError as refusal:
            if refusal.code != "charge_already_refunded":
                raise
            return refunds.list({"payment_intent": str(payment.reference), "limit": 1}).data[0]


def outcome_of(intent: PaymentIntent) -> Outcome:
    """What a payment intent says; a status that nobody here knows says nothing yet."""
    if intent.status == "succeeded":
        return Outcome(status=PaymentStatus.SUCCEEDED, reference=intent.id)
    if intent.status in GIVEN_UP:
        code = _failure_code(intent)
        return Outcome(status=PaymentStatus.FAILED, reference=intent.id, failure_code=code)
    return Outcome(status=PaymentStatus.PROCESSING, reference=intent.id)


def payment_id_of(intent: PaymentIntent) -> UUID | None:
    """The id of the payment that an intent was made for; none if it was made by somebody else."""
    return id_in_metadata(intent, "payment_id")


def id_in_metadata(intent: PaymentIntent, name: str) -> UUID | None:
    """An id that was noted when an intent was made; none if there is no such."""
    try:
        return UUID(intent.metadata.to_dict()[name])
    except (AttributeError, LookupError, ValueError):
        return None


def _failure_code(intent: PaymentIntent) -> str:
    error = intent.last_payment_error
    if error is None:
        return "canceled" if intent.status == "canceled" else "card_declined"
    return getattr(error, "decline_code", None) or error.code or "card_declined"


def _refused(refusal: stripe.CardError | stripe.InvalidRequestError) -> Outcome:
    said = refusal.error
    intent = getattr(said, "payment_intent", None)
    return Outcome(
        status=PaymentStatus.FAILED,
        reference=intent.id if intent else None,
        failure_code=getattr(said, "decline_code", None) or refusal.code or "invalid_request",
    )


@contextmanager
def unknown_without_a_word() -> Iterator[None]:
    """Turn every failure, and every answer that is not Stripe's, into an unknown outcome."""
    try:
        yield
    except stripe.StripeError as failure:
        told = f"{type(failure).__name__} {failure.http_status or ''} {failure.code or ''}"
        raise ProviderUnavailable(told.rstrip()) from failure
    except (AttributeError, LookupError, TypeError, ValueError) as nonsense:
        raise ProviderUnavailable(f"nonsense: {nonsense!r}") from nonsense
