"""Charges: what a bank was asked for and what it said. Written once, never changed."""

import json
from typing import Any

from sandbox.ledger import Row, Transaction, new_id
from sandbox.listings import Collection
from sandbox.methods import METHODS, PaymentMethod

SELECT = """
SELECT
    listed.position,
    listed.id,
    listed.created,
    listed.payment_intent,
    listed.amount,
    listed.currency,
    listed.status,
    listed.payment_method,
    intents.metadata,
    intents.description,
    (SELECT COALESCE(SUM(amount), 0) FROM money_given_back WHERE charge = listed.id) AS amount_refunded
FROM charges AS listed
JOIN payment_intents AS intents ON intents.id = listed.payment_intent
"""
WHERE = "WHERE (:payment_intent IS NULL OR listed.payment_intent = :payment_intent)"
SUCCEEDED = SELECT + "WHERE listed.payment_intent = :payment_intent AND listed.status = 'succeeded'"
INSERT = """
INSERT INTO charges (
    id,
    created,
    payment_intent,
    amount,
    currency,
    status,
    payment_method
) VALUES (
    :id,
    :created,
    :payment_intent,
    :amount,
    :currency,
    :status,
    :payment_method
)
"""


def record(tx: Transaction, intent: Row, method: PaymentMethod) -> str:
    """Write the charge of an intent with the outcome its payment method has; return the charge's id."""
    charge_id = new_id("ch")
    tx.write(
        INSERT,
        id=charge_id,
        created=tx.created,
        payment_intent=intent["id"],
        amount=intent["amount"],
        currency=intent["currency"],
        status="failed" if method.decline_code else "succeeded",
        payment_method=method.id,
    )
    return charge_id


def successful(tx: Transaction, intent_id: str) -> Row | None:
    """Return the one charge of an intent that took money."""
    return tx.one(SUCCEEDED, payment_intent=intent_id)


def present(row: Row) -> dict[str, Any]:
    """Return Stripe's Charge object."""
    method = METHODS[row["payment_method"]]
    paid = row["status"] == "succeeded"
    return {
        "id": row["id"],
        "object": "charge",
        "amount": row["amount"],
        "amount_captured": row["amount"] if paid else 0,
        "amount_refunded": row["amount_refunded"],
        "captured": paid,
        "created": row["created"],
        "currency": row["currency"],
        "customer": None,
        "description": row["description"],
        "disputed": False,
        "failure_code": None if paid else "card_declined",
        "failure_message": None if paid else method.refusal,
        "livemode": False,
        "metadata": json.loads(row["metadata"]),
        "outcome": {
            "network_status": "approved_by_network" if paid else "declined_by_network",
            "reason": method.decline_code,
            "type": "authorized" if paid else "issuer_declined",
        },
        "paid": paid,
        "payment_intent": row["payment_intent"],
        "payment_method": row["payment_method"],
        "payment_method_details": {"card": {"brand": "visa", "last4": method.last4}, "type": "card"},
        "refunded": paid and row["amount_refunded"] == row["amount"],
        "status": row["status"],
    }


COLLECTION = Collection("charge", "/v1/charges", SELECT, WHERE, ("payment_intent",), present)
