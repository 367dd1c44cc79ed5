"""The orders service in memory, which can be down."""

from uuid import UUID

from chassis.errors import Unavailable
from payments.domain import Order, OrderNotFound


class MemoryOrders:
    def __init__(self) -> None:
        self.known: dict[UUID, Order] = {}
        self.down = False

    def order(self, order_id: UUID, user_id: UUID) -> Order:
        if self.down:
            raise Unavailable()
        order = self.known.get(order_id)
        if order is None or order.user_id != user_id:
            raise OrderNotFound()
        return order
