"""Who somebody is: registering, signing in, staying signed in, signing out, going away."""

import pytest
from shop import Client, new_key, until


@pytest.fixture
def account(anyone):
    """A registered shopper: what was sent, and what was answered."""
    sent = {"email": f"{new_key()}@shopper.example", "password": new_key(), "name": "Zoë Ångström"}
    answer = anyone.call("POST", "/api/v1/users", json=sent)
    assert answer.status_code == 201, answer.text
    return sent, answer.json()


def tokens(anyone: Client, sent: dict) -> dict:
    answer = anyone.token_for(grant_type="password", username=sent["email"], password=sent["password"])
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store"), answer.text
    return answer.json()


def test_an_account_is_what_was_registered_without_the_password(anyone, account):
    sent, created = account
    me = Client(anyone.gateway_url, tokens(anyone, sent)["access_token"]).get("/api/v1/users/me").json()
    assert me == created
    assert (me["email"], me["name"], me["role"]) == (sent["email"], sent["name"], "customer")
    assert "password" not in me


def test_an_email_is_taken_once(anyone, account):
    sent, _ = account
    again = anyone.call("POST", "/api/v1/users", json=sent)
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")


def test_a_wrong_password_gets_oauth_s_own_error(anyone, account):
    sent, _ = account
    answer = anyone.token_for(grant_type="password", username=sent["email"], password="another one")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_refresh_token_used_twice_ends_the_whole_session(anyone, account):
    sent, _ = account
    first = tokens(anyone, sent)["refresh_token"]
    second = anyone.token_for(grant_type="refresh_token", refresh_token=first).json()["refresh_token"]
    for spent in (first, second):
        answer = anyone.token_for(grant_type="refresh_token", refresh_token=spent)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_who_signs_out_cannot_refresh(anyone, account):
    sent, _ = account
    token = tokens(anyone, sent)["refresh_token"]
    assert (
        anyone.call("POST", "/api/v1/auth/revoke", data={"token": token, "client_id": "mobile"}).status_code
        == 200
    )
    assert anyone.token_for(grant_type="refresh_token", refresh_token=token).status_code == 400


def refused_everywhere(shopper: Client) -> bool:
    """Tell whether every process of the gateway refuses a token as revoked; each may hear of it at another moment."""
    answers = [shopper.get("/api/v1/orders") for _ in range(10)]
    return all((each.status_code, each.json().get("code")) == (401, "token_revoked") for each in answers)


def test_the_access_token_of_a_deleted_account_neither_orders_nor_pays(anyone, sku, account):
    sent, _ = account
    shopper = anyone.sign_in(sent["email"], sent["password"])
    order = shopper.order(sku)
    assert shopper.call("DELETE", "/api/v1/users/me").status_code == 204
    until(lambda: refused_everywhere(shopper), timeout_seconds=60)
    assert shopper.pay(order).status_code == 401


def test_signing_out_ends_the_access_token_of_that_session_alone(anyone, account):
    sent, _ = account
    phone, tablet = tokens(anyone, sent), Client(anyone.gateway_url, tokens(anyone, sent)["access_token"])
    anyone.call("POST", "/api/v1/auth/revoke", data={"token": phone["refresh_token"], "client_id": "mobile"})
    until(lambda: refused_everywhere(Client(anyone.gateway_url, phone["access_token"])), timeout_seconds=60)
    assert tablet.get("/api/v1/orders").status_code == 200


def test_a_browser_gets_its_refresh_token_in_a_cookie_no_script_can_read(anyone, account):
    sent, _ = account
    answer = anyone.token_for(
        grant_type="password", username=sent["email"], password=sent["password"], client_id="web"
    )
    assert "refresh_token" not in answer.json()
    cookie = answer.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=Strict"))


def test_any_oauth_library_finds_its_way(anyone):
    metadata = anyone.get("/.well-known/oauth-authorization-server").json()
    assert metadata["token_endpoint"] == f"{anyone.gateway_url}/api/v1/auth/token"
    keys = anyone.get("/.well-known/jwks.json").json()["keys"]
    assert all(key["kty"] == "RSA" and "d" not in key for key in keys)


def test_the_administrator_sees_accounts_and_others_do_not(anyone, admin, account):
    sent, created = account
    assert admin.get(f"/api/v1/users/{created['id']}").json() == created
    assert (
        Client(anyone.gateway_url, tokens(anyone, sent)["access_token"]).get("/api/v1/users").status_code
        == 403
    )


def test_a_deleted_account_is_gone_and_its_books_are_kept(anyone, admin, sku):
    email, password = f"{new_key()}@shopper.example", new_key()
    anyone.call("POST", "/api/v1/users", json={"email": email, "password": password, "name": "Gone"})
    shopper = anyone.sign_in(email, password)
    order = shopper.order(sku)
    payment = shopper.pay(order).json()
    assert shopper.call("DELETE", "/api/v1/users/me").status_code == 204
    assert anyone.token_for(grant_type="password", username=email, password=password).status_code == 400
    refund = until(lambda: admin.post(f"/api/v1/payments/{payment['id']}/refunds", {}))
    assert refund.status_code == 201
