"""The use cases: pay and read, settle what is open, give back what is owed, follow orders, compare the books."""

from payments.service.adopting import Adopted, Adoption
from payments.service.following import close_order, remember_order
from payments.service.giving_back import note_given_by_hand
from payments.service.paying import Payments
from payments.service.reconciling import Kind, Reconciliation, Report
from payments.service.settling import Settlement

__all__ = [
    "Adopted",
    "Adoption",
    "Kind",
    "Payments",
    "Reconciliation",
    "Report",
    "Settlement",
    "close_order",
    "note_given_by_hand",
    "remember_order",
]
