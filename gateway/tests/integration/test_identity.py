"""Who gets in: policies of routes against what clients present."""

import time

import pytest
from serving import get, post, whole

PUBLIC, USER, ADMIN = "/api/v1/products/TEA-1", "/api/v1/orders", "/api/v1/users"


def refusal(gateway, path, *fields):
    reply = gateway.ask(get(path, *fields))
    document = reply.problem
    assert document["status"] == reply.status and document["request_id"] == reply["x-request-id"]
    assert document["type"] == f"urn:souk:problem:{document['code']}"
    return reply.status, document["code"], dict(reply.fields).get("www-authenticate")


def test_without_a_token_a_users_route_says_which_scheme(gateway, orders):
    assert refusal(gateway, USER) == (401, "token_missing", 'Bearer realm="souk"')
    assert not orders.requests


@pytest.mark.parametrize("path", [PUBLIC, USER, ADMIN])
def test_a_forged_token_is_refused_on_every_route(gateway, orders, path):
    challenge = 'Bearer realm="souk", error="invalid_token"'
    assert refusal(gateway, path, "Authorization: Bearer a.b.c") == (401, "token_invalid", challenge)
    assert not orders.requests


def test_an_expired_token_says_so(gateway, issuer):
    bearer = issuer.bearer(exp=int(time.time()) - 60)
    assert refusal(gateway, USER, f"Authorization: {bearer}")[:2] == (401, "token_expired")


def test_a_user_is_no_administrator(gateway, issuer, users):
    bearer = issuer.bearer(roles=["staff", "ADMIN"])
    assert refusal(gateway, ADMIN, f"Authorization: {bearer}")[:2] == (403, "forbidden")
    assert not [request for request in users.requests if request.target == ADMIN]


def test_an_administrator_gets_in(gateway, issuer, users):
    users.answer = None
    assert gateway.ask(get(ADMIN, f"Authorization: {issuer.bearer(roles=['admin'])}")).status == 200


def test_two_tokens_are_no_token(gateway, issuer):
    fields = [f"Authorization: {issuer.bearer()}"] * 2
    assert refusal(gateway, USER, *fields)[:2] == (400, "malformed_request")


def test_the_token_endpoint_does_not_look_at_an_old_token(gateway, users):
    users.answer = None
    assert gateway.ask(post("/api/v1/auth/token", "a=b", "Authorization: Bearer a.b.c")).status == 200


def test_a_key_that_is_new_is_fetched_without_a_failed_request(gateway, issuer, until):
    def signed_in():
        return gateway.ask(get(USER, f"Authorization: {issuer.bearer()}")).status

    assert signed_in() == 200
    issuer.rotate()
    until(lambda: signed_in() == 200)


def test_a_token_stays_good_while_the_issuer_is_down(gateway, issuer, users):
    assert gateway.ask(get(USER, f"Authorization: {issuer.bearer()}")).status == 200
    users.answer = lambda wire, request: wire.close()
    assert gateway.ask(get(USER, f"Authorization: {issuer.bearer()}")).status == 200


def test_a_gateway_without_keys_serves_the_public_and_says_503_to_users(start_gateway, users, orders, issuer):
    users.reset()
    users.answer = lambda wire, request: wire.send(whole(503))
    gateway = start_gateway(jwks_cooldown_seconds=0)
    assert gateway.ask(get(PUBLIC)).status == 200
    bearer = f"Authorization: {issuer.bearer()}"
    assert refusal(gateway, USER, bearer)[:2] == (503, "keys_unavailable")
    users.answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    assert gateway.ask(get(USER, bearer)).status == 200


def test_keys_come_from_another_address_where_one_is_named(start_gateway, users, payments, issuer):
    users.reset()
    users.answer = lambda wire, request: wire.send(whole(404))
    payments.answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    gateway = start_gateway(jwks_url=f"{payments.url}/keys?of=souk")
    assert gateway.ask(get(USER, f"Authorization: {issuer.bearer()}")).status == 200
    assert payments.requests[0].target == "/keys?of=souk"
