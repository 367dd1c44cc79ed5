import enum
import uuid
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import orjson
import pytest
from marshmallow import Schema
from marshmallow import fields as plain
from marshmallow.fields import List, Nested

from chassis import fields
from chassis.paging import Page
from chassis.presenting import dump_bytes, page_of, presenter


class Colour(enum.StrEnum):
    RED = "red"


class Inner(fields.Body):
    count = fields.Integer(0, 9)


class View(fields.Body):
    id = fields.Id()
    colour = fields.Text()
    at = fields.Timestamp()
    inner = Nested(Inner, allow_none=True)
    many = List(Nested(Inner))
    more = Nested(Inner, many=True)
    named = fields.Text(attribute="other", data_key="says")


SOURCE = {
    "id": uuid.UUID(int=1),
    "colour": Colour.RED,
    "at": datetime(2026, 11, 20, 7, 0, tzinfo=UTC),
    "inner": {"count": 1, "hidden": 2},
    "many": [SimpleNamespace(count=2)],
    "more": ({"count": 3},),
    "other": "yes",
    "password": "hidden",
}
SHOWN = {
    "id": "00000000-0000-0000-0000-000000000001",
    "colour": "red",
    "at": "2026-11-20T07:00:00Z",
    "inner": {"count": 1},
    "many": [{"count": 2}],
    "more": [{"count": 3}],
    "says": "yes",
}


@pytest.mark.parametrize("source", [SOURCE, SimpleNamespace(**SOURCE)], ids=["mapping", "object"])
def test_a_view_shows_its_fields_and_nothing_else(source):
    assert orjson.loads(dump_bytes(presenter(View)(source))) == SHOWN


def test_it_shows_what_marshmallow_would():
    expected = View().dump(SOURCE)
    expected["at"] = expected["at"].replace("+00:00", "Z")
    assert orjson.loads(dump_bytes(presenter(View)(SOURCE))) == expected


def test_a_page_shows_its_items_and_where_the_next_begins():
    shown = presenter(page_of(Inner))(Page([{"count": 1}], "AAAAAAAAAAAAAAAAAAAAAA"))
    assert shown == {"data": [{"count": 1}], "next_cursor": "AAAAAAAAAAAAAAAAAAAAAA"}
    assert presenter(page_of(Inner))(Page([], None)) == {"data": [], "next_cursor": None}


def test_another_zone_is_shown_with_its_offset():
    assert (
        dump_bytes(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))))
        == b'"2026-01-01T00:00:00+01:00"'
    )


def test_a_field_that_cannot_be_shown_is_found_at_start():
    odd = Schema.from_dict({"when": plain.TimeDelta()})
    with pytest.raises(TypeError, match="TimeDelta"):
        presenter(odd)


def test_a_missing_attribute_is_an_error_not_an_empty_field():
    with pytest.raises(KeyError):
        presenter(Inner)({})
