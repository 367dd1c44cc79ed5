"""What is refused: strangers, unknown addresses and wrong parameters, each in Stripe's error shape."""

import pytest
import requests
import stripe


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer sk_test_other"}, {"Authorization": "Basic ?"}]
)
def test_a_stranger_is_refused_and_told_nothing(sandbox, headers):
    answer = requests.get(f"{sandbox.url}/v1/payment_intents", headers=headers, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_the_library_raises_an_authentication_error_for_a_wrong_key(sandbox, paying):
    stranger = stripe.StripeClient("sk_test_other", base_addresses={"api": sandbox.url})
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.payment_intents.create(paying())


def test_every_answer_names_its_request(client, paying):
    assert client.v1.payment_intents.create(paying()).last_response.request_id.startswith("req_")


@pytest.mark.parametrize(
    ("wrong", "param", "code"),
    [
        ({"amount": 0}, "amount", "parameter_invalid_integer"),
        ({"amount": -1}, "amount", "parameter_invalid_integer"),
        ({"amount": "1.5"}, "amount", "parameter_invalid_integer"),
        ({"amount": "٣"}, "amount", "parameter_invalid_integer"),
        ({"amount": 10**30}, "amount", "parameter_invalid_integer"),
        ({"amount": 100_000_000}, "amount", "amount_too_large"),
        ({"currency": "euro"}, "currency", None),
        ({"confirm": "maybe"}, "confirm", None),
        ({"capture_method": "manual"}, "capture_method", None),
        ({"payment_method": "pm_unknown"}, "payment_method", "resource_missing"),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
        ({"metadata": {str(i): "v" for i in range(51)}}, "metadata", None),
        ({"bribe": 1}, "bribe", "parameter_unknown"),
    ],
)
def test_wrong_parameters_are_named(client, paying, wrong, param, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(paying(**wrong))
    assert (refused.value.http_status, refused.value.param, refused.value.code) == (400, param, code)


@pytest.mark.parametrize("name", ["amount", "currency"])
def test_required_parameters_are_required(client, paying, name):
    rest = {key: value for key, value in paying().items() if key != name}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(rest)
    assert (refused.value.param, refused.value.code) == (name, "parameter_missing")


def test_an_unknown_object_is_not_found(client):
    for read in (client.v1.payment_intents.retrieve, client.v1.refunds.retrieve, client.v1.charges.retrieve):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            read("xx_unknown")
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/customers"), ("DELETE", "/v1/refunds"), ("GET", "/")]
)
def test_an_unknown_url_is_not_found(sandbox, method, path):
    answer = requests.request(method, sandbox.url + path, auth=("sk_test_souk", ""), timeout=10)
    assert answer.status_code == 404
    assert f"({method}: {path})" in answer.json()["error"]["message"]


def test_a_body_larger_than_any_request_is_refused(sandbox):
    assert sandbox.post("/v1/payment_intents", description="d" * 70_000).status_code == 413
