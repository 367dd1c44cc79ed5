"""Refunds: money given back, never more than was charged. Written once, never changed.

Some fail in the end, by the card that was charged: Stripe's own `pm_card_refundFail` after it has said `succeeded`,
and `pm_card_visa_pendingRefundFail`, which Stripe does not have, after `pending`.
"""

import json
from dataclasses import dataclass
from typing import Any

from sandbox import charges, events, intents
from sandbox.errors import NotPossible, ReferenceMissing
from sandbox.forms import Form, missing
from sandbox.ledger import Ledger, Row, Transaction, new_id
from sandbox.listings import Collection
from sandbox.methods import METHODS

REASONS = ("duplicate", "fraudulent", "requested_by_customer")

SELECT = """
SELECT
    listed.position,
    listed.id,
    listed.created,
    listed.charge,
    listed.payment_intent,
    listed.amount,
    listed.currency,
    listed.reason,
    listed.metadata,
    charges.payment_method,
    failures.failed_at
FROM refunds AS listed
JOIN charges ON charges.id = listed.charge
LEFT JOIN refund_failures AS failures ON failures.refund = listed.id
"""
WHERE = """
WHERE (:payment_intent IS NULL OR listed.payment_intent = :payment_intent)
  AND (:charge IS NULL OR listed.charge = :charge)
"""
INSERT = """
INSERT INTO refunds (
    id,
    created,
    charge,
    payment_intent,
    amount,
    currency,
    reason,
    metadata,
    idempotency_key
) VALUES (
    :id,
    :created,
    :charge,
    :payment_intent,
    :amount,
    :currency,
    :reason,
    :metadata,
    :idempotency_key
)
"""
WILL_FAIL = "INSERT INTO refund_failures (refund, due_at) VALUES (:refund, :due_at)"
DUE = "SELECT refund FROM refund_failures WHERE failed_at IS NULL AND due_at <= :now ORDER BY due_at"
FAIL = "UPDATE refund_failures SET failed_at = :now WHERE refund = :refund"
WAITING = "SELECT MIN(due_at) AS due_at FROM refund_failures WHERE failed_at IS NULL"
IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class NewRefund:
    """What is asked for when a refund is created; without an amount all that is left is given back."""

    payment_intent: str | None
    charge: str | None
    amount: int | None
    reason: str | None
    metadata: dict[str, str]

    @classmethod
    def read(cls, form: Form) -> "NewRefund":
        new = cls(
            payment_intent=form.text("payment_intent"),
            charge=form.text("charge"),
            amount=form.integer("amount", minimum=1, maximum=10**15),
            reason=form.choice("reason", REASONS),
            metadata=form.metadata(),
        )
        if new.payment_intent is None and new.charge is None:
            raise missing("payment_intent")
        return new


def create(tx: Transaction, new: NewRefund, fail_delay_seconds: float) -> str:
    """Give money back; return the refund's id."""
    charge = _charge_of(tx, new)
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise NotPossible(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if new.amount is not None and new.amount > left:
        raise NotPossible(
            f"Refund amount ({new.amount}) is greater than unrefunded amount on charge ({left}).",
            code="amount_too_large",
            param="amount",
        )
    refund_id = new_id("re")
    tx.write(
        INSERT,
        id=refund_id,
        created=tx.created,
        charge=charge["id"],
        payment_intent=charge["payment_intent"],
        amount=new.amount or left,
        currency=charge["currency"],
        reason=new.reason,
        metadata=json.dumps(new.metadata),
        idempotency_key=tx.idempotency_key,
    )
    if METHODS[charge["payment_method"]].refund_fails:
        tx.write(WILL_FAIL, refund=refund_id, due_at=tx.now + fail_delay_seconds)
    events.record(tx, "charge.refunded", charges.COLLECTION.shown(tx, charge["id"]))
    events.record(tx, "refund.created", COLLECTION.shown(tx, refund_id))
    return refund_id


class Failing:
    """Fails the refunds of which the card was charged whose refunds fail, when their time has come."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def step(self) -> float:
        """Fail what is due; return the seconds until there may be more."""
        with self._ledger.transaction() as tx:
            for due in tx.all(DUE, now=tx.now):
                tx.write(FAIL, refund=due["refund"], now=tx.now)
                events.record(tx, "refund.failed", COLLECTION.shown(tx, due["refund"]))
            (waiting,) = tx.all(WAITING)
        return IDLE_SECONDS if waiting["due_at"] is None else waiting["due_at"] - tx.now


def _charge_of(tx: Transaction, new: NewRefund) -> Row:
    if new.charge is not None:
        charge = charges.COLLECTION.find(tx, new.charge)
        if charge is None or new.payment_intent not in (None, charge["payment_intent"]):
            raise ReferenceMissing("charge", new.charge, "charge")
        return _paid(charge, f"Charge {new.charge}")
    if intents.COLLECTION.find(tx, new.payment_intent) is None:
        raise ReferenceMissing("payment_intent", new.payment_intent, "payment_intent")
    return _paid(charges.successful(tx, new.payment_intent), f"This PaymentIntent ({new.payment_intent})")


def _paid(charge: Row | None, what: str) -> Row:
    if charge is None or charge["status"] != "succeeded":
        raise NotPossible(
            f"{what} does not have a successful charge to refund.", code="payment_intent_unexpected_state"
        )
    return charge


def present(row: Row) -> dict[str, Any]:
    """Return Stripe's Refund object."""
    failed = row["failed_at"] is not None
    return {
        "id": row["id"],
        "object": "refund",
        "amount": row["amount"],
        "balance_transaction": None,
        "charge": row["charge"],
        "created": row["created"],
        "currency": row["currency"],
        "failure_reason": "expired_or_canceled_card" if failed else None,
        "metadata": json.loads(row["metadata"]),
        "payment_intent": row["payment_intent"],
        "reason": row["reason"],
        "receipt_number": None,
        "status": "failed" if failed else METHODS[row["payment_method"]].refund,
    }


COLLECTION = Collection("refund", "/v1/refunds", SELECT, WHERE, ("payment_intent", "charge"), present)
