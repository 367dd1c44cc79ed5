"""The domain: payments, refunds and their transitions, what is known of an order, and the refusals."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.errors import BadRequest, Conflict, NotFound, Refused


class OrderNotFound(NotFound):
    code = "order_not_found"
    title = "No such order"


class PaymentNotFound(NotFound):
    code = "payment_not_found"
    title = "No such payment"


class OrderNotPayable(Conflict):
    code = "order_not_payable"
    title = "This order is closed or its time to pay is over"


class PaymentExists(Conflict):
    code = "payment_exists"
    title = "This order has a payment that is processing or has succeeded"


class PaymentNotRefundable(Conflict):
    code = "payment_not_refundable"
    title = "This payment has not succeeded, or its refund is already under way"


class NotOwedByHand(Conflict):
    code = "not_owed_by_hand"
    title = "The provider has not failed to give this payment back"


class CardDeclined(Refused):
    code = "card_declined"
    title = "The card was declined"


class AmountNotPayable(Conflict):
    code = "amount_not_payable"
    title = "The provider takes no payment of this amount"


class WebhookSignatureInvalid(BadRequest):
    code = "webhook_signature_invalid"
    title = "The provider did not sign this"


class WebhookExpired(BadRequest):
    code = "webhook_expired"
    title = "This was signed too long ago, or in the future"


class WebhookMalformed(BadRequest):
    code = "webhook_malformed"
    title = "This is signed and still no event"


class IllegalMove(RuntimeError):
    """A move that MOVES does not hold: a mistake in this service, never the caller's."""


class PaymentStatus(StrEnum):
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUNDED = "refunded"


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"


class RefundReason(StrEnum):
    REQUESTED = "requested"
    ORDER_CLOSED = "order_closed"
    LATE_SUCCESS = "late_success"


MOVES: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.PROCESSING: frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.FAILED}),
    PaymentStatus.SUCCEEDED: frozenset({PaymentStatus.REFUNDED}),
    PaymentStatus.FAILED: frozenset(),
    PaymentStatus.REFUNDED: frozenset(),
}

# The provider forgets an idempotency key after 24 hours at the earliest: a charge repeated later could be a second one.
CHARGE_REPEATABLE_FOR = timedelta(hours=23)

# What the provider says of a sum that no card could pay.
AMOUNT_REFUSED = frozenset({"amount_too_large", "amount_too_small"})

SHORTEST_RETRY_DELAY, LONGEST_RETRY_DELAY = timedelta(seconds=1), timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What payments knows of an order: `open` is its own status or the word of the orders service."""

    id: UUID
    user_id: UUID
    total: int
    currency: str
    expires_at: datetime
    open: bool = True

    def payable(self, now: datetime) -> bool:
        return self.open and now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the provider says of a charge; PROCESSING says that it will tell later."""

    status: PaymentStatus
    reference: str | None = None
    failure_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One attempt to be paid for an order; its id is the provider's idempotency key."""

    id: UUID
    order_id: UUID
    user_id: UUID
    amount: int
    currency: str
    payment_method: str
    request_id: str
    traceparent: str
    created_at: datetime
    updated_at: datetime
    status: PaymentStatus = PaymentStatus.PROCESSING
    failure_code: str | None = None
    reference: str | None = None
    version: int = 1

    def may_become(self, status: PaymentStatus) -> bool:
        return status in MOVES[self.status]

    def become(self, status: PaymentStatus, now: datetime, failure_code: str | None = None) -> "Payment":
        if not self.may_become(status):
            raise IllegalMove(f"{self.status} -> {status}")
        return replace(
            self, status=status, failure_code=failure_code, updated_at=now, version=self.version + 1
        )

    def known_as(self, reference: str | None) -> "Payment":
        return replace(self, reference=self.reference or reference)

    def repeatable(self, now: datetime) -> bool:
        return now - self.created_at < CHARGE_REPEATABLE_FOR

    def refusal(self) -> CardDeclined | AmountNotPayable:
        if self.failure_code in AMOUNT_REFUSED:
            return AmountNotPayable(f"{self.amount} {self.currency}: {self.failure_code}.")
        return CardDeclined(f"The card was declined: {self.failure_code}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """The whole of a payment given back; its id is the provider's idempotency key."""

    id: UUID
    payment_id: UUID
    amount: int
    currency: str
    reason: RefundReason
    created_at: datetime
    updated_at: datetime
    status: RefundStatus = RefundStatus.PENDING
    reference: str | None = None

    def become(self, outcome: "RefundOutcome", now: datetime) -> "Refund":
        return replace(
            self, status=outcome.status, reference=outcome.reference or self.reference, updated_at=now
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOutcome:
    """What the provider says of a refund; PENDING says that it will tell later, or that the refund has `failed`."""

    status: RefundStatus
    reference: str | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A charge in the provider's books that was made for a payment of ours."""

    reference: str
    payment_id: UUID
    order_id: UUID | None
    amount: int
    currency: str
    payment_method: str
    made_at: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Repayment:
    """A refund in the provider's books, whoever asked for it; `charge` is the reference of what it gives back."""

    reference: str
    charge: str
    amount: int
    currency: str
    status: RefundStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of our own books: a charge, or the refund that it names; the amount is positive for both. `by_hand` says
    how somebody gave it back where the provider could not."""

    payment_id: UUID
    refund_id: UUID | None
    amount: int
    currency: str
    reference: str
    by_hand: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the provider tells by itself, perhaps more than once; without an outcome it is of no concern here."""

    id: str
    type: str
    payment_id: UUID | None = None
    outcome: Outcome | None = None


def retry_delay(since: datetime, now: datetime) -> timedelta:
    """The pause before the next try: a sixteenth of the age, so that a short outage is made up for within seconds
    and a long one costs few calls."""
    return min(max((now - since) / 16, SHORTEST_RETRY_DELAY), LONGEST_RETRY_DELAY)
