"""The service keeps what its document says: schemathesis with all its checks, on the web process as deployed."""

from __future__ import annotations

from uuid import uuid4

import pytest
import schemathesis
from hypothesis import settings as hypothesis_settings
from processes import WEB, free_address, running

from chassis.ids import new_id
from chassis.testing.documents import call_as_documented
from orders.openapi import document

ANNA = new_id()
schema = schemathesis.openapi.from_dict(document())


@schemathesis.hook
def filter_body(context, body) -> bool:
    """A JSON Schema cannot say that the skus of an order differ: the unit tests of the schemas do."""
    if not isinstance(body, dict) or not isinstance(items := body.get("items"), list):
        return True
    skus = [item["sku"] for item in items if isinstance(item, dict) and isinstance(item.get("sku"), str)]
    return len(skus) == len(set(skus))


@pytest.fixture(scope="module")
def web(make_settings, tmp_path_factory):
    settings = make_settings(bind=free_address(), web_processes=1)
    with running(WEB, settings, settings.bind, tmp_path_factory.mktemp("web") / "log"):
        yield f"http://{settings.bind}"


@schema.parametrize()
@hypothesis_settings(max_examples=30, deadline=None)
def test_whatever_is_sent_the_answer_is_documented(case, web, keys):
    somebody_new = new_id()  # whose idempotency keys are unused
    call_as_documented(case, keys.headers("orders", somebody_new, roles=["admin"]), base_url=web)


def test_what_succeeds_is_answered_as_documented(web, keys):
    def ask(method: str, path: str, key: str | None = None, **parts):
        headers = keys.headers("orders", ANNA, roles=["admin"]) | ({"Idempotency-Key": key} if key else {})
        case = schema[path][method].Case(headers=headers, **parts)
        answer = case.call(base_url=web)
        case.validate_response(answer)
        return answer

    product = {"name": "Tea", "price": 500, "stock": 10}
    assert (
        ask("PUT", "/api/v1/products/{sku}", path_parameters={"sku": "TEA-1"}, body=product).status_code
        == 201
    )
    body = {"items": [{"sku": "TEA-1", "quantity": 2}]}
    placed = ask("POST", "/api/v1/orders", key=str(uuid4()), body=body)
    assert placed.status_code == 201
    here = {"order_id": placed.json()["id"]}
    for method, path, parts in [
        ("GET", "/api/v1/products", {}),
        ("GET", "/api/v1/products/{sku}", {"path_parameters": {"sku": "TEA-1"}}),
        ("GET", "/api/v1/orders", {}),
        ("GET", "/api/v1/orders/{order_id}", {"path_parameters": here}),
        ("POST", "/api/v1/orders/{order_id}/cancel", {"path_parameters": here, "key": "cancel"}),
        ("GET", "/api/v1/orders/{order_id}/events", {"path_parameters": here}),
    ]:
        assert ask(method, path, **parts).status_code == 200
