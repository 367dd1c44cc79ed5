"""Orders over HTTP."""

from uuid import uuid4

import psycopg
import pytest
from callers import Client

from chassis.testing.documents import undescribed
from orders.app import create_app

NO_ORDER = "0193b0c0-0000-7000-8000-000000000000"


@pytest.fixture(autouse=True)
def shelf(stocked):
    stocked("TEA-1", price=500, stock=10)
    stocked("CUP-1", price=1250, stock=3)


def outbox(database) -> list[tuple[str, int]]:
    with database.read() as tx:
        rows = tx.conn.execute("SELECT type, version FROM outbox ORDER BY position")
        return [(row["type"], row["version"]) for row in rows]


def stock(database, sku="TEA-1") -> int:
    with database.read() as tx:
        return tx.product(sku).stock


def test_an_order_is_priced_reserved_and_told(anna, database):
    placed = anna.place(("CUP-1", 1), ("TEA-1", 2))
    assert placed.status_code == 201
    assert placed.json["items"] == [
        {"sku": "CUP-1", "name": "Product CUP-1", "quantity": 1, "unit_price": 1250},
        {"sku": "TEA-1", "name": "Product TEA-1", "quantity": 2, "unit_price": 500},
    ]
    assert (placed.json["total"], placed.json["currency"], placed.json["status"]) == (2250, "EUR", "PENDING")
    assert anna.get(f"/orders/{placed.json['id']}").json == placed.json
    assert stock(database) == 8
    assert outbox(database) == [("order.placed", 1)]


def test_the_same_key_gives_the_same_answer_and_one_order(anna, database):
    first = anna.place(("TEA-1", 1), key="one")
    again = anna.place(("TEA-1", 1), key="one")
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert stock(database) == 9
    assert outbox(database) == [("order.placed", 1)]


def test_the_same_key_for_another_order_is_refused(anna, database):
    anna.place(("TEA-1", 1), key="one")
    assert anna.place(("TEA-1", 2), key="one").json["code"] == "idempotency_key_reused"
    assert stock(database) == 9


def test_another_users_key_is_another_key(anna, bert, database):
    assert anna.place(("TEA-1", 1), key="one").json["id"] != bert.place(("TEA-1", 1), key="one").json["id"]
    assert stock(database) == 8


def test_a_refused_order_can_be_tried_again_with_its_key(anna, stocked):
    assert anna.place(("TEA-1", 11), key="one").status_code == 409
    stocked("TEA-1", stock=11)
    assert anna.place(("TEA-1", 11), key="one").status_code == 201


@pytest.mark.parametrize(
    ("lines", "code", "pointer"),
    [
        ([("TEA-1", 1), ("NONE-1", 1)], "unknown_sku", "/items/1/sku"),
        ([("TEA-1", 1), ("CUP-1", 4)], "out_of_stock", "/items/1/quantity"),
    ],
)
def test_an_order_that_cannot_be_served_changes_nothing(anna, database, lines, code, pointer):
    refused = anna.place(*lines)
    assert (refused.status_code, refused.json["code"]) == (409, code)
    assert [each["pointer"] for each in refused.json["errors"]] == [pointer]
    assert (stock(database), outbox(database)) == (10, [])


def test_another_users_order_is_not_there(anna, bert):
    order_id = anna.place(("TEA-1", 1)).json["id"]
    for answer in (
        bert.get(f"/orders/{order_id}"),
        bert.get(f"/orders/{order_id}/events"),
        bert.cancel(order_id),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "order_not_found")
    assert bert.get("/orders").json == {"data": [], "next_cursor": None}


def test_own_orders_are_listed_newest_first_page_by_page(anna):
    placed = [anna.place(("TEA-1", 1)).json for _ in range(5)]
    first = anna.get("/orders?limit=3").json
    second = anna.get(f"/orders?limit=3&cursor={first['next_cursor']}").json
    assert [*first["data"], *second["data"]] == placed[::-1]
    assert second["next_cursor"] is None


def test_a_cancelled_order_gives_its_pieces_back_once(anna, database):
    order_id = anna.place(("TEA-1", 4)).json["id"]
    cancelled = anna.cancel(order_id, key="one")
    assert (cancelled.status_code, cancelled.json["status"], cancelled.json["version"]) == (
        200,
        "CANCELLED",
        2,
    )
    assert anna.cancel(order_id, key="one").data == cancelled.data
    assert anna.cancel(order_id, key="two").json["code"] == "order_not_cancellable"
    assert stock(database) == 10
    assert outbox(database) == [("order.placed", 1), ("order.cancelled", 2)]


def test_payments_may_look_at_an_order_for_its_user_and_do_no_more(app, keys, anna):
    order_id = anna.place(("TEA-1", 1)).json["id"]
    payments = Client(app.test_client(), keys, anna.user_id, "payments")
    assert payments.get(f"/orders/{order_id}").status_code == 200
    assert payments.cancel(order_id).json["code"] == "forbidden"
    assert payments.get("/orders").json["code"] == "forbidden"
    assert Client(app.test_client(), keys, uuid4(), "payments").get(f"/orders/{order_id}").status_code == 404


@pytest.mark.parametrize("path", ["/orders", f"/orders/{NO_ORDER}", f"/orders/{NO_ORDER}/events"])
def test_nobody_is_served_who_is_not_vouched_for(app, keys, foreign_keys, path):
    http = app.test_client()
    assert http.get(f"/api/v1{path}").json["code"] == "assertion_missing"
    assert Client(http, foreign_keys, uuid4()).get(path).json["code"] == "assertion_invalid"
    assert Client(http, keys).get(path).status_code == 401


def test_the_document_served_is_the_one_in_the_tree(app):
    served = app.test_client().get("/openapi.json")
    assert served.status_code == 200
    assert served.json["info"]["title"] == "orders"
    assert undescribed(app) == set()


def test_a_service_whose_schema_lacks_a_migration_is_not_ready(make_settings):
    settings = make_settings()
    with psycopg.connect(settings.db_owner_url.reveal()) as owner:
        owner.execute("DELETE FROM schema_migrations WHERE name = '0003_orders'")
    ready = create_app(settings).test_client().get("/readyz")
    assert (ready.status_code, ready.json["checks"]) == (503, {"database": "ok", "schema": "failing"})
