"""Confirmations: an intent is charged at once, or taken and settled later; either way at most once."""

from sandbox import charges, events, intents
from sandbox.answers import Answer
from sandbox.errors import CardDeclined, InvalidParameter
from sandbox.ledger import Ledger, Row, Transaction
from sandbox.methods import METHODS, Pace, PaymentMethod

TAKE = """
UPDATE payment_intents
SET status = 'processing',
    payment_method = :payment_method,
    settle_at = :settle_at
WHERE id = :id
"""
DECIDE = """
UPDATE payment_intents
SET status = :status,
    payment_method = :payment_method,
    latest_charge = :latest_charge,
    settle_at = NULL
WHERE id = :id
"""
DUE = intents.SELECT + "WHERE listed.settle_at <= :now ORDER BY listed.settle_at"
WAITING = "SELECT MIN(settle_at) AS settle_at FROM payment_intents WHERE settle_at IS NOT NULL"
IDLE_SECONDS = 1.0


def confirm(
    tx: Transaction, intent_id: str, method: PaymentMethod | None, settle_delay_seconds: float
) -> Answer:
    """Charge an intent, or take it for later when its payment method is a silent one."""
    intent = intents.COLLECTION.get(tx, intent_id)
    intents.require_unpaid(intent, "confirm")
    chosen = method or METHODS.get(intent["payment_method"])
    if chosen is None:
        raise InvalidParameter(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    if chosen.pace is not Pace.SILENT:
        _decide(tx, intent, chosen)
        return outcome(tx, intent_id, chosen.pace)
    tx.write(TAKE, id=intent_id, payment_method=chosen.id, settle_at=tx.now + settle_delay_seconds)
    return Answer(intents.COLLECTION.shown(tx, intent_id), pace=chosen.pace, follows=intent_id)


def outcome(tx: Transaction, intent_id: str, pace: Pace = Pace.PROMPT) -> Answer:
    """Answer what has become of a confirmed intent; raises CardDeclined when the bank said no."""
    shown = intents.COLLECTION.shown(tx, intent_id)
    declined = shown["last_payment_error"]
    if declined:
        raise CardDeclined(**declined, payment_intent=shown)
    return Answer(shown, pace=pace)


class Settling:
    """Settles silent intents when their time has come, whoever took them and whenever."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def step(self) -> float:
        """Settle what is due; return the seconds until there may be more."""
        with self._ledger.transaction() as tx:
            for intent in tx.all(DUE, now=tx.now):
                _decide(tx, intent, METHODS[intent["payment_method"]])
            (waiting,) = tx.all(WAITING)
        return IDLE_SECONDS if waiting["settle_at"] is None else waiting["settle_at"] - tx.now


def _decide(tx: Transaction, intent: Row, method: PaymentMethod) -> None:
    declined = method.decline_code is not None
    tx.write(
        DECIDE,
        id=intent["id"],
        status="requires_payment_method" if declined else "succeeded",
        payment_method=None if declined else method.id,
        latest_charge=charges.record(tx, intent, method),
    )
    events.record(
        tx,
        "payment_intent.payment_failed" if declined else "payment_intent.succeeded",
        intents.COLLECTION.shown(tx, intent["id"]),
    )
