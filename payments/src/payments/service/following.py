"""The use cases of orders' events: know what an order is worth, and give back what was paid for one that closed."""

from payments.domain import Order, RefundReason
from payments.service.ports import Transaction
from payments.service.settling import owe_refund


def remember_order(tx: Transaction, order: Order) -> None:
    tx.remember_order(order)


def close_order(tx: Transaction, order: Order) -> None:
    """Close an order. What was paid for it is owed to its payer; what is paid later will be (see `settle`)."""
    tx.close_order(order)
    paid = tx.succeeded_payment_of(order.id)
    if paid is not None:
        owe_refund(tx, paid, RefundReason.ORDER_CLOSED)
