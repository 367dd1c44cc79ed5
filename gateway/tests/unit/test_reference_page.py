"""The page of the merged document."""

import re
import shlex

import pytest
from describing import document, in_path, ref, route

from gateway.paper import Papers
from gateway.reference.examples import Examples
from gateway.reference.merging import merge
from gateway.reference.page import reference_page

PLACE = {
    "operationId": "place_order",
    "summary": "Order something.",
    "parameters": [
        in_path("shop"),
        {"in": "header", "name": "Idempotency-Key", "required": True, "schema": {}},
    ],
    "requestBody": {"content": {"application/json": {"schema": ref("Order")}}},
    "responses": {
        "201": {"description": "Created", "content": {"application/json": {"schema": ref("Order")}}}
    },
}
ORDER = {
    "type": "object",
    "required": ["sku"],
    "properties": {
        "sku": {"type": "string", "pattern": "^[A-Z]+-[0-9]$", "description": "what is wanted"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"count": {"type": "integer"}}}},
    },
}


@pytest.fixture(scope="module")
def papers():
    return Papers()


def page(papers, operation=PLACE, schemas=None, **documents):
    orders = document({"/shops/{shop}/orders": {"post": operation}}, schemas or {"Order": ORDER})
    routes = [route("/shops/{id}/orders", "orders", "POST", policy="user", forward=["idempotency-key"])]
    merged = merge(routes, {"orders": orders, **documents}, release="r1", origin="https://souk.test")
    return reference_page(merged, papers).decode()


def test_each_operation_says_how_it_is_called(papers):
    html = page(papers)
    assert 'id="place_order"' in html and 'href="#place_order"' in html
    assert "Order something." in html and "signed in" in html and "body up to 64 KiB" in html
    assert "what is wanted" in html and "lines[].count" in html
    assert 'href="#schema-Order"' in html and 'id="schema-Order"' in html


def test_every_link_inside_the_page_leads_somewhere(papers):
    html = page(papers)
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(re.findall(r'id="([^"]+)"', html))


def test_the_example_is_a_command_a_shell_understands(papers):
    html = page(papers)
    command = re.search(r'aria-label="Example call"><code>(.*?)</code>', html, re.DOTALL)[1]
    words = shlex.split(command.replace("\\\n", "").replace("&#39;", "'").replace("&#34;", '"'))
    assert words[:4] == ["curl", "https://souk.test/shops/shop/orders", "-X", "POST"]
    assert "Authorization: Bearer $TOKEN" in words
    assert '"sku": "TEA-1"' in words[-1]


def test_what_all_operations_refuse_is_said_once(papers):
    assert page(papers).count("<code>upstream_unavailable</code>") == 1


def test_what_a_service_says_of_itself_cannot_run(papers):
    bad = "<script>alert(1)</script>"
    hostile = {**PLACE, "summary": bad, "description": f"`{bad}`", "operationId": '"><img src=x>'}
    schema = {"type": "object", "description": bad, "properties": {bad: {"enum": [bad], "pattern": bad}}}
    html = page(papers, hostile, {"Order": schema})
    assert "<script" not in html and "<img" not in html


def test_nothing_in_the_page_comes_from_elsewhere_or_is_inline(papers):
    html = page(papers)
    assert "<script" not in html and "<style" not in html and not re.search(r"\sstyle=|\son\w+=", html)
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', html) == []


def test_a_service_that_has_not_answered_is_named(papers):
    assert "has not answered the gateway: users" in page(papers, users=None)


def test_the_page_of_nothing_is_a_page(papers):
    merged = merge([], {"orders": None}, release="r1", origin="https://souk.test")
    assert b"API reference" in reference_page(merged, papers)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "format": "uuid"}, "0193b0c0-5e1a-7c3d-9f42-6d2f8a1b3c4d"),
        ({"type": ["string", "null"], "enum": ["a", None]}, "a"),
        ({"type": "integer", "minimum": 5, "maximum": 9}, 5),
        ({"type": "string", "pattern": "(?<name>unreadable", "minLength": 1}, "…"),
        ({"anyOf": [{"const": 3}, {"type": "null"}]}, 3),
        ({"type": "array", "items": {"type": "boolean"}}, [True]),
        (True, None),
    ],
)
def test_examples_fit_their_schema(schema, value):
    assert Examples({}).of(schema) == value


def test_an_example_of_what_contains_itself_ends():
    tree = {"type": "object", "properties": {"child": ref("Tree")}}
    assert Examples({"schemas": {"Tree": tree}}).of(ref("Tree"))["child"]["child"]
