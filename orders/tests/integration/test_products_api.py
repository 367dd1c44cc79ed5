"""The catalogue over HTTP."""

import pytest
from callers import Client

TEA = {"name": "Green tea", "price": 500, "stock": 10}


@pytest.fixture
def anonymous(app, keys) -> Client:
    return Client(app.test_client(), keys)


def test_an_administrator_adds_and_changes_products(admin, anonymous):
    assert admin.call("PUT", "/products/TEA-1", json=TEA).status_code == 201
    assert admin.call("PUT", "/products/TEA-1", json={**TEA, "price": 550}).status_code == 200
    shown = anonymous.get("/products/TEA-1").json
    assert shown.pop("updated_at").endswith("Z")
    assert shown == {
        "sku": "TEA-1",
        "name": "Green tea",
        "description": "",
        "category": "",
        "price": 550,
        "currency": "EUR",
        "stock": 10,
    }


def test_nobody_else_does(anna, anonymous):
    assert anna.call("PUT", "/products/TEA-1", json=TEA).json["code"] == "forbidden"
    assert anonymous.call("PUT", "/products/TEA-1", json=TEA).status_code == 401
    assert anonymous.get("/products/TEA-1").json["code"] == "product_not_found"


@pytest.mark.parametrize("path", ["/products", "/products/TEA-1"])
def test_a_client_that_has_the_page_is_not_sent_it_again(stocked, anonymous, path):
    stocked("TEA-1")
    first = anonymous.get(path)
    assert (
        first.headers["Cache-Control"] == "public, max-age=5, stale-while-revalidate=10, stale-if-error=3600"
    )
    again = anonymous.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])


def test_an_order_changes_the_etag(stocked, anna, anonymous):
    stocked("TEA-1")
    before = anonymous.get("/products/TEA-1").headers["ETag"]
    anna.place(("TEA-1", 1))
    after = anonymous.get("/products/TEA-1", headers={"If-None-Match": before})
    assert (after.status_code, after.json["stock"]) == (200, 9)


def test_the_catalogue_is_read_page_by_page(stocked, anonymous):
    for number in range(5):
        stocked(f"TEA-{number}")
    seen, cursor = [], ""
    while cursor is not None:
        page = anonymous.get(f"/products?limit=2{cursor and '&cursor='}{cursor}").json
        seen += [each["sku"] for each in page["data"]]
        cursor = page["next_cursor"]
    assert seen == ["TEA-0", "TEA-1", "TEA-2", "TEA-3", "TEA-4"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/products?limit=0", "limit"),
        ("/products?limit=101", "limit"),
        ("/products?limit=x", "limit"),
        ("/products?cursor=x", "cursor"),
        ("/products?page=1", "page"),
        ("/products?limit=1&limit=2", "limit"),
        ("/products/tea-1", "sku"),
    ],
)
def test_a_wrong_parameter_is_named(anonymous, path, parameter):
    refused = anonymous.get(path)
    assert refused.status_code == 422
    assert [each["parameter"] for each in refused.json["errors"]] == [parameter]
