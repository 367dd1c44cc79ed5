"""Clients: what payments asks of its peers."""

from datetime import datetime
from uuid import UUID

from chassis.peer_answers import PeerError, PeerNonsense
from chassis.peers import Peer
from payments.domain import Order, OrderNotFound


class OrdersClient:
    """The orders service, asked on the behalf of a user."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def order(self, order_id: UUID, user_id: UUID) -> Order:
        """Return an order of the user. Raises OrderNotFound, and what a peer fails with."""
        try:
            told = self._peer.call("GET", f"/api/v1/orders/{order_id}", subject=user_id).json()
        except PeerError as refusal:
            if refusal.code == OrderNotFound.code:
                raise OrderNotFound() from refusal
            raise
        try:
            return Order(
                id=order_id,
                user_id=user_id,
                total=told["total"],
                currency=told["currency"],
                expires_at=datetime.fromisoformat(told["expires_at"]),
                open=told["status"] == "PENDING",
            )
        except (LookupError, TypeError, ValueError) as wrong:
            raise PeerNonsense() from wrong
