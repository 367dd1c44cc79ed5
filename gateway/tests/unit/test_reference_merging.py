"""One document of several."""

import pytest
from describing import OK, answering, document, in_path, ref, route
from openapi_spec_validator import validate

from gateway.reference.merging import merge

ADDRESS = {"type": "object", "properties": {"city": {"type": "string"}}}
HOUSE = {"type": "object", "properties": {"number": {"type": "integer"}}}


def merged(routes, **documents):
    """Return what is merged, which is always a valid document."""
    result = merge(routes, documents, release="r1", origin="https://souk.test")
    validate(result)
    return result


def test_only_what_the_routes_let_through_is_in_it():
    orders = document(
        {
            "/orders": {"get": answering("Order"), "delete": {}},
            "/internal/secrets": {"get": answering("Secret")},
        },
        {"Order": {"type": "object"}, "Secret": {"type": "object", "description": "ours"}},
    )
    result = merged([route("/orders", "orders")], orders=orders)
    assert {path: list(item) for path, item in result["paths"].items()} == {"/orders": ["get"]}
    assert "Order" in result["components"]["schemas"]
    assert "ecret" not in str(result) and "assertion" not in str(result)


def test_a_route_leads_to_its_own_service_only():
    both = document({"/a": {"get": {}}})
    result = merged([route("/a", "users")], orders=both, users=both)
    assert result["paths"]["/a"]["get"]["tags"] == ["users"]


@pytest.mark.parametrize(
    ("policy", "security", "codes"),
    [
        ("public", [], {"token_invalid", "token_expired", "token_revoked"}),
        ("user", [{"bearer": []}], {"token_missing", "token_invalid", "token_expired", "token_revoked"}),
        (
            "admin",
            [{"bearer": ["admin"]}],
            {"token_missing", "token_invalid", "token_expired", "token_revoked"},
        ),
    ],
)
def test_the_policy_of_a_route_is_told(policy, security, codes):
    refused = {"401": {"description": "assertion_missing, assertion_invalid"}, **OK}
    orders = document({"/a": {"get": {"responses": refused, "security": [{"assertion": []}]}}})
    operation = merged([route("/a", "orders", policy=policy)], orders=orders)["paths"]["/a"]["get"]
    assert operation["security"] == security
    assert set(operation["responses"]["401"]["description"].split(", ")) == codes
    assert ("403" in operation["responses"]) == (policy == "admin")


def test_codes_of_the_service_and_of_the_gateway_stand_together():
    busy = {"503": {"description": "passwords_busy, unavailable"}, **OK}
    operation = merged([route("/a", "users")], users=document({"/a": {"get": {"responses": busy}}}))
    told = operation["paths"]["/a"]["get"]["responses"]["503"]["description"]
    assert told == (
        "passwords_busy, unavailable, upstream_unavailable, upstream_busy, overloaded, keys_unavailable"
    )


def test_the_token_endpoints_refuse_in_their_own_form():
    token = route("/token", "users", "POST", reads_token=False, oauth_errors=True, throttles_logins=True)
    answers = merged([token], users=document({"/token": {"post": {}}}))["paths"]["/token"]["post"][
        "responses"
    ]
    schema = answers["503"]["content"]["application/json"]["schema"]
    assert (answers["503"]["description"], schema) == ("temporarily_unavailable", ref("OAuthRefusal"))
    assert "401" not in answers


def test_what_may_be_kept_may_be_asked_for_without_the_service():
    kept = merged([route("/a", "orders", cache=True)], orders=document({"/a": {"get": {}}}))
    assert "not_cached" in kept["paths"]["/a"]["get"]["responses"]["504"]["description"]


def test_limits_are_told():
    body = {"requestBody": {"content": {"application/json": {"schema": {}}}}}
    limited = route("/a", "orders", "POST", rate="60/minute", stream_seconds=30.0)
    operation = merged([limited], orders=document({"/a": {"post": body}}))["paths"]["/a"]["post"]
    assert operation["x-limits"] == {
        "deadline_seconds": 10.0,
        "body_max_bytes": 65536,
        "stream_seconds": 30.0,
        "rate": "60/minute",
    }
    assert {"413", "429"} <= operation["responses"].keys()


def test_headers_and_cookies_that_do_not_go_through_are_not_offered():
    named = (("header", "Idempotency-Key"), ("header", "X-Debug"), ("cookie", "session"), ("query", "q"))
    offered = [{"in": place, "name": name, "schema": {}} for place, name in named]
    orders = document({"/a": {"get": {"parameters": offered}}})

    def names(*forward):
        through = merged([route("/a", "orders", forward=forward)], orders=orders)
        return [each["name"] for each in through["paths"]["/a"]["get"]["parameters"]]

    assert names() == ["q"]
    assert names("idempotency-key", "cookie") == ["Idempotency-Key", "session", "q"]


def test_schemas_that_are_the_same_are_there_once_and_others_of_the_name_apart():
    first = document({"/a": {"get": answering("Address")}}, {"Address": ADDRESS})
    same = document({"/b": {"get": answering("Address")}}, {"Address": ADDRESS})
    other = document({"/c": {"get": answering("Address")}}, {"Address": HOUSE})
    routes = [route("/a", "users"), route("/b", "orders"), route("/c", "payments")]
    result = merged(routes, users=first, orders=same, payments=other)
    schemas = result["components"]["schemas"]
    assert (schemas["Address"], schemas["PaymentsAddress"]) == (ADDRESS, HOUSE)
    assert "OrdersAddress" not in schemas
    answer = result["paths"]["/c"]["get"]["responses"]["200"]["content"]["application/json"]
    assert answer["schema"] == ref("PaymentsAddress")


def test_schemas_that_read_alike_but_refer_to_what_differs_are_kept_apart():
    lists = {"List": {"type": "array", "items": ref("Address")}}
    first = document({"/a": {"get": answering("List")}}, {**lists, "Address": ADDRESS})
    other = document({"/b": {"get": answering("List")}}, {**lists, "Address": HOUSE})
    result = merged([route("/a", "users"), route("/b", "orders")], users=first, orders=other)
    assert result["components"]["schemas"]["OrdersList"]["items"] == ref("OrdersAddress")
    assert result["components"]["schemas"]["OrdersAddress"] == HOUSE


def test_a_problem_of_its_own_kind_does_not_replace_the_gateways():
    odd = document({"/a": {"get": answering("Problem")}}, {"Problem": HOUSE})
    schemas = merged([route("/a", "users")], users=odd)["components"]["schemas"]
    assert (schemas["UsersProblem"], "code" in schemas["Problem"]["properties"]) == (HOUSE, True)


def test_a_path_two_services_write_differently_is_one_path():
    first = document({"/a/{a_id}": {"get": {"parameters": [in_path("a_id")]}}})
    other = document({"/a/{id}": {"put": {"parameters": [in_path("id")]}}})
    routes = [route("/a/{x}", "users"), route("/a/{x}", "orders", "PUT")]
    result = merged(routes, users=first, orders=other)
    assert list(result["paths"]) == ["/a/{a_id}"]
    assert result["paths"]["/a/{a_id}"]["put"]["parameters"] == [in_path("a_id")]


def test_operations_of_the_same_id_keep_different_ones():
    both = {name: document({f"/{name}": {"get": {"operationId": "show"}}}) for name in ("users", "orders")}
    paths = merged([route("/users", "users"), route("/orders", "orders")], **both)["paths"]
    assert [item["get"]["operationId"] for item in paths.values()] == ["show", "orders_show"]


def test_a_service_that_has_not_answered_is_named():
    result = merged([route("/a", "users")], users=None, orders=document({}))
    assert result["x-missing-services"] == ["users"]
    assert "users" in result["info"]["description"]
    assert result["tags"] == [{"name": "orders"}]
