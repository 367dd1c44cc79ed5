"""What a service's document must be to be merged."""

import json

import pytest
from describing import answering, document, in_path, ref, tree

from gateway.reference.document import DocumentRefused, ServiceDocument


def nested(depth):
    return {"type": "array", "items": nested(depth - 1)} if depth else {"type": "string"}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (b"", "not JSON"),
        (b"[]", "not OpenAPI 3.1"),
        (b'{"openapi": "3.0.3", "info": {}, "paths": {}}', "not OpenAPI 3.1"),
        (b'{"openapi": "3.1.0", "paths": {}}', "not the form"),
        (b'{"openapi": "3.1.0", "info": {}, "paths": {"/a": {"get": {}}}}', "not the form"),
        (b'{"openapi": "3.1.0", "info": {}, "paths": [], "components": {}}', "not the form"),
        (json.dumps(tree({"/a": {"get": answering("Gone")}})).encode(), "refers to what it does not have"),
        (
            json.dumps(tree({}, {"A": {"$ref": "http://elsewhere.test/a.json"}})).encode(),
            "not in its components",
        ),
        (json.dumps(tree({}, {"A": nested(300)})).encode(), "nested too deeply"),
        (b'{"openapi": "3.1.0", "info": ' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b"}", "not JSON"),
    ],
    ids=range(10),
)
def test_what_is_no_document_is_refused(wrong, why):
    with pytest.raises(DocumentRefused, match=why):
        ServiceDocument(wrong)


def test_an_operation_is_found_by_the_shape_of_its_path():
    orders = document({"/orders/{order_id}": {"get": {"summary": "Show."}}})
    assert orders.operation("GET", "/orders/{id}").tree["summary"] == "Show."
    assert orders.operation("GET", "/orders") is orders.operation("PUT", "/orders/{id}") is None


def test_parameters_of_a_path_are_those_of_its_operations():
    mine = {"in": "query", "name": "q", "schema": {"type": "integer"}}
    other = {"in": "query", "name": "q", "schema": {"type": "string"}}
    here = document({"/a/{id}": {"parameters": [in_path("id"), other], "get": {"parameters": [mine]}}})
    assert here.operation("GET", "/a/{}").tree["parameters"] == [in_path("id"), mine]


def test_parameters_and_answers_are_written_out():
    here = document(
        {
            "/a": {
                "get": {
                    "parameters": [{"$ref": "#/components/parameters/Q"}],
                    "responses": {"200": {"$ref": "#/components/responses/Fine"}},
                }
            }
        },
        components={
            "parameters": {"Q": {"in": "query", "name": "q"}},
            "responses": {"Fine": {"description": "fine", "content": {"text/plain": {"schema": ref("T")}}}},
            "schemas": {"T": {"type": "string"}},
        },
    )
    found = here.operation("GET", "/a").tree
    assert found["parameters"] == [{"in": "query", "name": "q"}]
    assert found["responses"]["200"]["description"] == "fine"
