import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from doubles import MemoryDatabase

from chassis.events import Received
from chassis.ids import new_id
from users.domain import Role, User, UserDeleted, UserRegistered
from users.events import ORDERS, PAYMENTS, published

SCHEMAS = json.loads(Path(__file__).parents[2].joinpath("events.json").read_text())
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def received(type_: str, **data) -> Received:
    return Received(
        id=new_id(),
        type=type_,
        source="/souk/orders",
        aggregate_id=new_id(),
        version=1,
        data=data,
        request_id="a-request-id",
        traceparent="",
        time=NOW,
    )


@pytest.mark.parametrize("happened", [UserRegistered(new_id(), 1), UserDeleted(new_id(), 3)])
def test_what_is_published_follows_its_schema(happened):
    event = published(happened)
    jsonschema.validate(dict(event.data), SCHEMAS[event.type], format_checker=jsonschema.FormatChecker())
    assert (event.aggregate_id, event.version) == (happened.user_id, happened.version)


def test_every_schema_is_of_something_published():
    assert set(SCHEMAS) == {published(each(new_id(), 1)).type for each in (UserRegistered, UserDeleted)}


@pytest.mark.parametrize("type_", [*ORDERS, *PAYMENTS])
def test_the_user_gets_a_sentence_about_their_order(type_):
    database, ada = with_ada()
    event = received(type_, order_id=str(new_id()), user_id=str(ada.id), of_a_later_release=True)
    with database.transaction() as tx:
        (ORDERS | PAYMENTS)[type_](tx, event)
    with database.read() as tx:
        [told] = tx.notifications(ada.id, before=None, limit=20)
    assert (told.id, told.type, str(told.order_id), told.created_at) == (
        event.id,
        type_,
        event.data["order_id"],
        NOW,
    )
    assert told.title[0].isupper() and told.title.endswith(".")


def test_nobody_is_told_about_the_orders_of_an_erased_user():
    database, ada = with_ada()
    with database.transaction() as tx:
        tx.erase_user(ada.id)
        ORDERS["order.expired"](tx, received("order.expired", order_id=str(new_id()), user_id=str(ada.id)))
    assert database.tables.notifications == {}


def with_ada() -> tuple[MemoryDatabase, User]:
    database = MemoryDatabase()
    ada = User(
        id=new_id(),
        email="ada@example.com",
        name="Ada",
        role=Role.CUSTOMER,
        password_hash="canary",
        created_at=NOW,
    )
    with database.transaction() as tx:
        tx.add_user(ada)
    return database, ada
