"""The payment methods of the sandbox: which are charged, which are declined, and how they are answered."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from sandbox.errors import ReferenceMissing


class Pace(Enum):
    """When a confirmation is answered."""

    PROMPT = "at once"
    SLOW = "late: the effect comes first, the answer after SANDBOX_SLOW_SECONDS"
    SILENT = "never: the intent is left processing and settles by itself"


@dataclass(frozen=True)
class PaymentMethod:
    """A card of which the outcome is known beforehand; `refund` is the status a refund begins with."""

    id: str
    last4: str = "4242"
    decline_code: str | None = None
    pace: Pace = Pace.PROMPT
    refund: str = "succeeded"
    refund_fails: bool = False

    @property
    def refusal(self) -> str:
        """The sentence a shopper is told when this card is declined."""
        return DECLINE_MESSAGES[self.decline_code or "generic_decline"]


DECLINE_MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
}

METHODS = {
    method.id: method
    for method in (
        PaymentMethod("pm_card_visa"),
        PaymentMethod("pm_card_visa_chargeDeclined", "0002", "generic_decline"),
        PaymentMethod("pm_card_visa_chargeDeclinedInsufficientFunds", "9995", "insufficient_funds"),
        PaymentMethod("pm_card_visa_slow", pace=Pace.SLOW),
        PaymentMethod("pm_card_visa_silent", pace=Pace.SILENT),
        PaymentMethod("pm_card_visa_silent_declined", "0002", "generic_decline", Pace.SILENT),
        PaymentMethod("pm_card_refundFail", "5126", refund_fails=True),
        PaymentMethod("pm_card_visa_pendingRefundFail", refund="pending", refund_fails=True),
    )
}


def named(method_id: str) -> PaymentMethod:
    """Return the payment method of this id; an unknown one is the caller's mistake."""
    try:
        return METHODS[method_id]
    except KeyError:
        raise ReferenceMissing("PaymentMethod", method_id, "payment_method") from None


def present(method: PaymentMethod) -> dict[str, Any]:
    """Return Stripe's PaymentMethod object."""
    return {
        "id": method.id,
        "object": "payment_method",
        "card": {"brand": "visa", "last4": method.last4},
        "livemode": False,
        "type": "card",
    }
