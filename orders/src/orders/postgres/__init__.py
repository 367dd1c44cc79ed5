"""PostgreSQL: every statement orders makes, and rows to entities."""

from orders.postgres.orders import OrderStatements
from orders.postgres.products import ProductStatements


class Store(ProductStatements, OrderStatements):
    """One transaction of orders."""
