"""Unit tests of what may be sent to orders."""

import pytest
from marshmallow import ValidationError

from chassis.validation import invalid_body
from orders.domain import Line
from orders.schemas import PlaceOrder, PutProduct

TEA = {"sku": "TEA-1", "quantity": 2}
PRODUCT = {"name": "Tea", "price": 500, "stock": 10}


def complaints(schema, sent):
    """The pointer and code of each thing wrong."""
    with pytest.raises(ValidationError) as raised:
        schema().load(sent)
    return [(wrong.pointer, wrong.code) for wrong in invalid_body(raised.value).errors]


def test_an_order_is_lines_of_sku_and_quantity():
    assert PlaceOrder().load({"items": [TEA]}) == {"items": [Line("TEA-1", 2)]}


@pytest.mark.parametrize(
    ("sent", "complaint"),
    [
        ({}, ("/items", "required")),
        ({"items": None}, ("/items", "null")),
        ({"items": []}, ("/items", "length")),
        ({"items": "TEA-1"}, ("/items", "invalid")),
        ({"items": [TEA] * 51}, ("/items", "length")),
        ({"items": [TEA], "total": 1}, ("/total", "unknown_field")),
        ({"items": [{**TEA, "price": 1}]}, ("/items/0/price", "unknown_field")),
        ({"items": ["TEA-1"]}, ("/items/0", "invalid")),
        ([TEA], ("", "invalid")),
    ],
)
def test_an_order_of_another_form_is_refused(sent, complaint):
    assert complaint in complaints(PlaceOrder, sent)


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        (0, "out_of_range"),
        (-1, "out_of_range"),
        (1001, "out_of_range"),
        (1_000_000, "out_of_range"),
        (10**40, "out_of_range"),
        (1.5, "invalid"),
        ("2", "invalid"),
        (True, "invalid"),
        (None, "null"),
    ],
)
def test_a_quantity_is_a_number_from_1_to_1000(quantity, code):
    assert complaints(PlaceOrder, {"items": [TEA, {"sku": "CUP-1", "quantity": quantity}]}) == [
        ("/items/1/quantity", code)
    ]


@pytest.mark.parametrize(
    "sku", ["", "A", "tea-1", "-TEA", "TEA 1", "TEA\n", "TEA\x00", "T" * 41, "TÉA", 7, None]
)
def test_a_sku_is_upper_case_letters_digits_and_dashes(sku):
    pointers = {pointer for pointer, _ in complaints(PlaceOrder, {"items": [{"sku": sku, "quantity": 1}]})}
    assert pointers == {"/items/0/sku"}


def test_a_sku_is_in_an_order_once():
    sent = {"items": [TEA, {"sku": "CUP-1", "quantity": 1}, TEA, TEA]}
    assert complaints(PlaceOrder, sent) == [("/items/2/sku", "invalid"), ("/items/3/sku", "invalid")]


def test_a_product_needs_no_description():
    assert PutProduct().load(PRODUCT) == {**PRODUCT, "description": "", "category": ""}


def test_a_description_may_have_more_than_one_line():
    assert PutProduct().load({**PRODUCT, "description": "Green.\n\tFrom Assam."})["description"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": " "},
        {"name": "T" * 201},
        {"name": "Te\x00a"},
        {"name": "Te\na"},
        {"description": "T" * 2001},
        {"description": "\x1b[31m"},
        {"category": "T" * 61},
        {"price": 0},
        {"price": 100_000_000},
        {"price": 4.99},
        {"price": "500"},
        {"stock": -1},
        {"stock": 1_000_001},
        {"sku": "TEA-1"},
        {"currency": "EUR"},
    ],
    ids=str,
)
def test_a_product_of_another_form_is_refused(wrong):
    [name] = wrong
    assert [pointer for pointer, _ in complaints(PutProduct, {**PRODUCT, **wrong})] == [f"/{name}"]
