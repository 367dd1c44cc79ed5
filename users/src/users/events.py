"""Events: what the users service tells the others, and what it does about what they tell."""

from collections.abc import Callable, Mapping
from uuid import UUID

from chassis.events import Event, Received
from users.domain import Notification, UserDeleted, UserRegistered
from users.service import Transaction

Handler = Callable[[Transaction, Received], None]

TITLES = {
    "order.placed": "Your order is placed and waits for your payment.",
    "order.paid": "Your order is paid.",
    "order.cancelled": "Your order is cancelled.",
    "order.expired": "Your order was not paid in time and has expired.",
    "payment.failed": "Your payment was declined.",
    "payment.refunded": "Your payment was refunded.",
}


def published(happened: UserRegistered | UserDeleted) -> Event:
    """Return the event that goes out for a fact of the domain; it holds no personal data."""
    match happened:
        case UserRegistered():
            type_ = "user.registered"
        case UserDeleted():
            type_ = "user.deleted"
    return Event(
        type=type_,
        aggregate_id=happened.user_id,
        version=happened.version,
        data={"user_id": str(happened.user_id)},
    )


def notify(tx: Transaction, event: Received) -> None:
    tx.add_notification(
        Notification(
            id=event.id,
            user_id=UUID(event.data["user_id"]),
            type=event.type,
            order_id=UUID(event.data["order_id"]),
            title=TITLES[event.type],
            created_at=event.time,
        )
    )


def _notified(producer: str) -> Mapping[str, Handler]:
    return {type_: notify for type_ in TITLES if type_.startswith(producer)}


ORDERS: Mapping[str, Handler] = _notified("order.")
PAYMENTS: Mapping[str, Handler] = _notified("payment.")
