"""PostgreSQL: every statement payments makes, and rows to entities."""

from payments.postgres.books import BookStatements
from payments.postgres.orders import OrderStatements
from payments.postgres.payments import PaymentStatements
from payments.postgres.refunds import RefundStatements


class Store(OrderStatements, PaymentStatements, RefundStatements, BookStatements):
    """One transaction of payments."""
