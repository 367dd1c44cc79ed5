"""Unit tests of what payments asks of its peers."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from chassis.peer_answers import PeerError, PeerNonsense, PeerUnavailable
from chassis.testing.peers import FakePeer
from payments.clients import OrdersClient
from payments.domain import Order, OrderNotFound

ORDER, USER = uuid4(), uuid4()
TOLD = {
    "id": str(ORDER),
    "status": "PENDING",
    "items": [],
    "total": 1999,
    "currency": "EUR",
    "expires_at": "2026-11-20T12:15:00Z",
    "version": 1,
}


def client_of(answer):
    peer = FakePeer("orders", {("GET", f"/api/v1/orders/{ORDER}"): answer})
    return OrdersClient(peer), peer


def test_an_order_is_asked_for_on_the_behalf_of_its_user():
    client, peer = client_of((200, TOLD))
    expires_at = datetime(2026, 11, 20, 12, 15, tzinfo=UTC)
    assert client.order(ORDER, USER) == Order(
        id=ORDER, user_id=USER, total=1999, currency="EUR", expires_at=expires_at
    )
    [asked] = peer.calls
    assert asked.subject == str(USER)


@pytest.mark.parametrize("status", ["PAID", "FULFILLED", "CANCELLED", "EXPIRED", "REFUNDED"])
def test_only_a_pending_order_is_open(status):
    client, _ = client_of((200, TOLD | {"status": status}))
    assert not client.order(ORDER, USER).open


def test_an_order_that_orders_does_not_find_is_not_found():
    client, _ = client_of((404, {"code": "order_not_found"}))
    with pytest.raises(OrderNotFound):
        client.order(ORDER, USER)


@pytest.mark.parametrize(
    "failure", [PeerError(403, "forbidden"), PeerError(404, "not_found"), PeerUnavailable()]
)
def test_every_other_failure_stays_what_it_is(failure):
    client, _ = client_of(failure)
    with pytest.raises(type(failure)):
        client.order(ORDER, USER)


@pytest.mark.parametrize("answer", [[], {}, TOLD | {"expires_at": "soon"}])
def test_an_order_that_nobody_can_read_is_nonsense(answer):
    client, _ = client_of((200, answer))
    with pytest.raises(PeerNonsense):
        client.order(ORDER, USER)
