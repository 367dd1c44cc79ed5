"""PostgreSQL: every statement payments makes, and rows to entities."""

from payments.postgres.books import BookStatements
from payments.postgres.orders import OrderStatements
from payments.postgres.payments import PaymentStatements
from payments.postgres.reconciling import ReconcilingStatements
from payments.postgres.refunds import RefundStatements


class Store(OrderStatements, PaymentStatements, RefundStatements, BookStatements, ReconcilingStatements):
    """One transaction of payments."""
