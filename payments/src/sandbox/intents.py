"""Payment intents: what is to be paid, and whether it was."""

import json
import re
from dataclasses import dataclass
from typing import Any

from sandbox import events, methods
from sandbox.errors import InvalidParameter, NotPossible
from sandbox.forms import Form
from sandbox.ledger import Row, Transaction, new_id
from sandbox.listings import Collection
from sandbox.methods import METHODS, PaymentMethod

AMOUNT_MAX = 99_999_999
CURRENCY = re.compile("[a-z]{3}")
UNPAID = ("requires_payment_method", "requires_confirmation")
CANCELLATION_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
WITHOUT_EFFECT = (
    "automatic_payment_methods",
    "error_on_requires_action",
    "off_session",
    "payment_method_options",
    "payment_method_types",
    "receipt_email",
    "return_url",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "use_stripe_sdk",
)

SELECT = """
SELECT
    listed.position,
    listed.id,
    listed.created,
    listed.amount,
    listed.currency,
    listed.status,
    listed.payment_method,
    listed.description,
    listed.metadata,
    listed.latest_charge,
    listed.canceled_at,
    listed.cancellation_reason,
    charges.status AS charge_status,
    charges.payment_method AS charge_method
FROM payment_intents AS listed
LEFT JOIN charges ON charges.id = listed.latest_charge
"""
INSERT = """
INSERT INTO payment_intents (
    id,
    created,
    amount,
    currency,
    status,
    payment_method,
    description,
    metadata,
    idempotency_key
) VALUES (
    :id,
    :created,
    :amount,
    :currency,
    :status,
    :payment_method,
    :description,
    :metadata,
    :idempotency_key
)
"""
CANCEL = """
UPDATE payment_intents
SET status = 'canceled',
    canceled_at = :now,
    cancellation_reason = :reason
WHERE id = :id
"""


@dataclass(frozen=True)
class NewIntent:
    """What is asked for when an intent is created."""

    amount: int
    currency: str
    confirm: bool
    method: PaymentMethod | None
    description: str | None
    metadata: dict[str, str]

    @classmethod
    def read(cls, form: Form) -> "NewIntent":
        amount = form.required_integer("amount", minimum=1, maximum=10**15)
        if amount > AMOUNT_MAX:
            raise InvalidParameter(
                f"Amount must be no more than {AMOUNT_MAX}.", code="amount_too_large", param="amount"
            )
        currency = form.required_text("currency").lower()
        if not CURRENCY.fullmatch(currency):
            raise InvalidParameter(f"Invalid currency: {currency[:20]}.", param="currency")
        form.choice("capture_method", ("automatic", "automatic_async"))
        form.choice("confirmation_method", ("automatic",))
        form.ignore(*WITHOUT_EFFECT)
        return cls(
            amount=amount,
            currency=currency,
            confirm=form.boolean("confirm"),
            method=read_method(form),
            description=form.text("description"),
            metadata=form.metadata(),
        )


def read_method(form: Form) -> PaymentMethod | None:
    """Read the payment method of an intent that is created or confirmed."""
    method_id = form.text("payment_method")
    return methods.named(method_id) if method_id else None


def create(tx: Transaction, new: NewIntent) -> str:
    """Write down an intent that nobody has paid yet; return its id."""
    intent_id = new_id("pi")
    tx.write(
        INSERT,
        id=intent_id,
        created=tx.created,
        amount=new.amount,
        currency=new.currency,
        status="requires_confirmation" if new.method else "requires_payment_method",
        payment_method=new.method.id if new.method else None,
        description=new.description,
        metadata=json.dumps(new.metadata),
        idempotency_key=tx.idempotency_key,
    )
    return intent_id


def cancel(tx: Transaction, intent_id: str, reason: str | None) -> None:
    """Cancel an intent that nobody has paid; one in processing has to settle first."""
    require_unpaid(COLLECTION.get(tx, intent_id), "cancel")
    tx.write(CANCEL, id=intent_id, now=tx.created, reason=reason)
    events.record(tx, "payment_intent.canceled", COLLECTION.shown(tx, intent_id))


def require_unpaid(intent: Row, verb: str) -> None:
    """Refuse what may only be done while nobody has paid."""
    if intent["status"] not in UNPAID:
        raise NotPossible(
            f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}. "
            f"Only a PaymentIntent with one of the following statuses allows it: {', '.join(UNPAID)}.",
            code="payment_intent_unexpected_state",
            payment_intent=present(intent),
        )


def present(row: Row) -> dict[str, Any]:
    """Return Stripe's PaymentIntent object."""
    return {
        "id": row["id"],
        "object": "payment_intent",
        "amount": row["amount"],
        "amount_capturable": 0,
        "amount_received": row["amount"] if row["status"] == "succeeded" else 0,
        "canceled_at": row["canceled_at"],
        "cancellation_reason": row["cancellation_reason"],
        "capture_method": "automatic",
        "client_secret": f"{row['id']}_secret_sandbox",
        "confirmation_method": "automatic",
        "created": row["created"],
        "currency": row["currency"],
        "customer": None,
        "description": row["description"],
        "last_payment_error": _last_error(row),
        "latest_charge": row["latest_charge"],
        "livemode": False,
        "metadata": json.loads(row["metadata"]),
        "next_action": None,
        "payment_method": row["payment_method"],
        "payment_method_types": ["card"],
        "status": row["status"],
    }


def _last_error(row: Row) -> dict[str, Any] | None:
    if row["charge_status"] != "failed" or row["status"] == "processing":
        return None
    method = METHODS[row["charge_method"]]
    return {
        "charge": row["latest_charge"],
        "code": "card_declined",
        "decline_code": method.decline_code,
        "message": method.refusal,
        "payment_method": methods.present(method),
        "type": "card_error",
    }


COLLECTION = Collection("payment_intent", "/v1/payment_intents", SELECT, "WHERE TRUE", (), present)
