"""The use cases: pay and read, settle what is open, give back what is owed, follow what becomes of an order."""

from payments.service.following import close_order, remember_order
from payments.service.paying import Payments
from payments.service.settling import Settlement

__all__ = ["Payments", "Settlement", "close_order", "remember_order"]
