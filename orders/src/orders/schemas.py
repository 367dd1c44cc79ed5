"""Schemas: what requests may hold and what answers show; they validate, and they are the OpenAPI document."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from chassis.fields import Body, Id, Integer, Pattern, Text, Timestamp
from orders.domain import Line, Status

SKU_PATTERN = "^[A-Z0-9][A-Z0-9-]{1,39}$"
CURRENCY_PATTERN = "^[A-Z]{3}$"

# What people write: more than one line is fine, other control characters are not; may be empty.
PROSE_PATTERN = "^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]*$"


class Sku(Pattern):
    """The name of a product in the shop's books."""

    def __init__(self, **options: Any) -> None:
        super().__init__(SKU_PATTERN, minimum=2, maximum=40, **options)


class Currency(Pattern):
    """An ISO 4217 code."""

    def __init__(self, **options: Any) -> None:
        super().__init__(CURRENCY_PATTERN, minimum=3, maximum=3, **options)


class Prose(Pattern):
    """Free text, perhaps none."""

    def __init__(self, maximum: int, **options: Any) -> None:
        super().__init__(PROSE_PATTERN, minimum=0, maximum=maximum, **options)


class ProductPath(Body):
    sku = Sku(required=True)


class PutProduct(Body):
    name = Text(maximum=200, required=True)
    description = Prose(maximum=2000, load_default="")
    category = Prose(maximum=60, load_default="")
    price = Integer(1, 99_999_999, required=True)
    stock = Integer(0, 1_000_000, required=True)


class ProductView(Body):
    sku = Sku(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True)
    category = fields.String(required=True)
    price = fields.Integer(required=True)
    currency = Currency(required=True)
    stock = fields.Integer(required=True)
    updated_at = Timestamp(required=True)


class PlaceLine(Body):
    sku = Sku(required=True)
    quantity = Integer(1, 1000, required=True)

    @post_load
    def line(self, data: dict[str, Any], **_: Any) -> Line:
        return Line(**data)


class PlaceOrder(Body):
    items = fields.List(
        fields.Nested(PlaceLine),
        required=True,
        validate=validate.Length(min=1, max=50),
        metadata={"uniqueItems": True, "description": "each sku once"},
    )

    @validates_schema
    def each_sku_once(self, data: dict[str, Any], **_: Any) -> None:
        seen: set[str] = set()
        wrong = {}
        for at, line in enumerate(data["items"]):
            if line.sku in seen:
                wrong[at] = {"sku": [f"{line.sku} is in the order already."]}
            seen.add(line.sku)
        if wrong:
            raise ValidationError({"items": wrong})


class ItemView(Body):
    sku = Sku(required=True)
    name = fields.String(required=True)
    quantity = fields.Integer(required=True)
    unit_price = fields.Integer(required=True)


class OrderView(Body):
    id = Id(required=True)
    status = fields.String(required=True, validate=validate.OneOf(list(Status)))
    items = fields.List(fields.Nested(ItemView), required=True)
    total = fields.Integer(required=True)
    currency = Currency(required=True)
    version = fields.Integer(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    expires_at = Timestamp(required=True)
