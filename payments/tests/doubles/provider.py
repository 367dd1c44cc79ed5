"""The provider in memory: books of its own, idempotency keys, and the ways of a real one to give no answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from payments.domain import Outcome, Payment, PaymentStatus, Refund, RefundOutcome, RefundStatus
from payments.service.ports import ProviderUnavailable

DECLINES = {
    "pm_card_visa_chargeDeclined": "generic_decline",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
}
SILENT = "pm_card_visa_silent"
CLOSED = "pm_card_visa_pendingRefundFail"


class MemoryProvider:
    """Works, unless told to fail before or after the effect of a call."""

    def __init__(self) -> None:
        self._before: BaseException | None = None
        self._after: BaseException | None = None
        self.calls = 0
        self.charged: dict[UUID, int] = {}
        self.refunded: dict[UUID, int] = {}
        self._outcomes: dict[UUID, Outcome] = {}

    @contextmanager
    def failing(
        self, before: BaseException | None = None, after: BaseException | None = None
    ) -> Iterator[None]:
        self._before, self._after = before, after
        try:
            yield
        finally:
            self._before = self._after = None

    def charge(self, payment: Payment) -> Outcome:
        self._begin()
        if payment.id not in self._outcomes:
            self._outcomes[payment.id] = self._decide(payment)
        self._end()
        return self._outcomes[payment.id]

    def look_up(self, payment: Payment) -> Outcome | None:
        self._begin()
        self._end()
        return self._outcomes.get(payment.id)

    def refund(self, refund: Refund, payment: Payment) -> RefundOutcome:
        self._begin()
        if payment.id not in self.charged:
            raise ProviderUnavailable("nothing to give back")
        reference = f"re_{refund.id.hex}"
        if payment.payment_method == CLOSED:
            self._end()
            return RefundOutcome(status=RefundStatus.PENDING, reference=reference, failed=True)
        self.refunded.setdefault(refund.id, refund.amount)
        self._end()
        return RefundOutcome(status=RefundStatus.SUCCEEDED, reference=reference)

    def settle(self, payment_id: UUID, amount: int) -> None:
        """Let a silent charge succeed."""
        self.charged[payment_id] = amount
        self._outcomes[payment_id] = Outcome(status=PaymentStatus.SUCCEEDED, reference=_reference(payment_id))

    def _begin(self) -> None:
        self.calls += 1
        if self._before:
            raise self._before

    def _end(self) -> None:
        if self._after:
            raise self._after

    def _decide(self, payment: Payment) -> Outcome:
        reference = _reference(payment.id)
        if payment.payment_method == SILENT:
            return Outcome(status=PaymentStatus.PROCESSING, reference=reference)
        if code := DECLINES.get(payment.payment_method):
            return Outcome(status=PaymentStatus.FAILED, reference=reference, failure_code=code)
        self.charged[payment.id] = payment.amount
        return Outcome(status=PaymentStatus.SUCCEEDED, reference=reference)


def _reference(payment_id: UUID) -> str:
    return f"pi_{payment_id.hex}"
