"""The use cases' ports: what they need of a database, of the orders service and of a payment provider."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from payments.domain import (
    Charge,
    Entry,
    Notice,
    Order,
    Outcome,
    Payment,
    Refund,
    RefundOutcome,
    Repayment,
)


class ProviderUnavailable(Exception):
    """The provider gave no answer, or none that says what it did: the outcome is unknown."""


class Provider(Protocol):
    """Who moves the money. Every call may be repeated: the payment's or the refund's id is its idempotency key."""

    def charge(self, payment: Payment) -> Outcome:
        """Charge the payment, or tell what became of it. Raises ProviderUnavailable."""
        ...

    def look_up(self, payment: Payment) -> Outcome | None:
        """Tell what became of a charge without making one; None if there is none. Raises ProviderUnavailable."""
        ...

    def refund(self, refund: Refund, payment: Payment) -> RefundOutcome:
        """Give the payment back, or tell how far that is. Raises ProviderUnavailable."""
        ...


class ProviderBooks(Protocol):
    """What the provider says that it moved. Everything raises ProviderUnavailable."""

    def charges_since(self, moment: datetime) -> Iterator[Charge]:
        """Every charge for a payment of ours that was begun since, however it ended."""
        ...

    def repayments_since(self, moment: datetime) -> Iterator[Repayment]: ...
    def find_charge(self, reference: str) -> Charge | None: ...
    def find_repayment(self, reference: str) -> Repayment | None: ...


class Orders(Protocol):
    """The orders service, asked on the behalf of a user."""

    def order(self, order_id: UUID, user_id: UUID) -> Order:
        """Raises OrderNotFound, and Unavailable, DeadlineExceeded or BadGateway without an answer."""
        ...


class Transaction(Protocol):
    """Everything between begin and commit. Whoever decides about money locks the row of its order first: a payment
    that succeeds and an order that closes then never miss each other."""

    @property
    def now(self) -> datetime: ...

    def order(self, order_id: UUID) -> Order | None: ...
    def lock_order_of(self, payment_id: UUID) -> Order | None: ...
    def remember_order(self, order: Order) -> Order:
        """Keep what an order is worth and return, locked, what is known of it; a closed one stays closed."""
        ...

    def close_order(self, order: Order) -> None:
        """Close an order, locked, whether it was known or not."""
        ...

    def payment(self, payment_id: UUID) -> Payment | None: ...
    def succeeded_payment_of(self, order_id: UUID) -> Payment | None: ...
    def payments_before(self, position: UUID | None, user_id: UUID, limit: int) -> list[Payment]: ...
    def add_payment(self, payment: Payment, settle_at: datetime) -> None:
        """Raises PaymentExists while another payment of the order is processing or has succeeded."""
        ...

    def move_payment(self, payment: Payment, refund: Refund | None = None) -> None:
        """Store a move and announce it; `refund` is what a move to REFUNDED is due to."""
        ...

    def note_reference(self, payment: Payment) -> None: ...
    def claim_payment(self, lease: timedelta) -> Payment | None:
        """Return a processing payment that is due and claimed by nobody; it is ours for the lease, or until moved."""
        ...

    def postpone_payment(self, payment: Payment, delay: timedelta) -> None: ...

    def refund(self, refund_id: UUID) -> Refund | None: ...
    def add_refund(self, refund: Refund) -> bool:
        """Return False if the payment has a refund already: there is never a second one."""
        ...

    def refund_of(self, payment_id: UUID) -> Refund | None: ...
    def save_refund(self, refund: Refund) -> None: ...
    def claim_refund(self, lease: timedelta) -> Refund | None: ...
    def postpone_refund(self, refund: Refund, delay: timedelta) -> None: ...

    def book_charge(self, payment: Payment) -> None: ...
    def book_refund(self, refund: Refund, by_hand: str | None = None) -> None:
        """Book a refund under its reference, or under that of what an operator gave back by hand."""
        ...

    def note_given_by_hand(self, refund_id: UUID, reference: str) -> None:
        """Note, once and for all, with what an operator gave a refund back."""
        ...

    def given_by_hand(self, refund_id: UUID) -> str | None: ...

    def entries_between(self, begin: datetime, end: datetime) -> list[Entry]:
        """What was booked from begin on and before the end."""
        ...

    def charges_booked(self, payment_ids: Collection[UUID]) -> dict[UUID, Entry]:
        """The booked charges of some payments."""
        ...

    def refunds_of_charges(self, references: Collection[str]) -> dict[str, tuple[UUID, Refund | None]]:
        """The payment, and its refund if there is one, of each of those charges that is booked. A refund given back by
        hand has the reference of that."""
        ...

    def note_notice(self, notice: Notice) -> bool:
        """Return False if the provider's notice took effect before."""
        ...

    def forget_notices(self, older_than: timedelta) -> None: ...


class Database(Protocol):
    def transaction(self) -> AbstractContextManager[Transaction]: ...
    def read(self) -> AbstractContextManager[Transaction]: ...


class Once(Protocol):
    """One use of an idempotency key; what is made under it carries its id."""

    @property
    def id(self) -> UUID: ...

    def look(self, tx: Any) -> None: ...
    def begin(self, tx: Any) -> None: ...
    def end(self, tx: Any, result: Any) -> None: ...
