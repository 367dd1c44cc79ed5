"""The service behind gunicorn, asked by several clients at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from running import PASSWORD, headers, live_service

EMAIL = "canary@example.com"  # a person's: told to them, never to the log
CANARIES = {
    "password": "canary horse battery",
    "wrong": "canary wrong battery",
    "refresh_token": "canary-refresh-token",
}


@pytest.fixture(scope="module", params=["gevent", "gthread"])
def live(request, env, tmp_path_factory):
    with live_service(env, tmp_path_factory.mktemp(request.param), request.param) as live:
        yield live


@pytest.fixture
def ada(postgres, live, signer):
    body = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}
    return requests.post(f"{live.url}/api/v1/users", json=body, headers=headers(signer), timeout=10).json()


def at_once(count, call):
    with ThreadPoolExecutor(count) as threads:
        return [answer.result() for answer in [threads.submit(call) for _ in range(count)]]


def test_of_twenty_identical_sign_ups_at_once_one_succeeds(live, signer, postgres):
    body = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}
    vouched = headers(signer)
    answers = at_once(
        20, lambda: requests.post(f"{live.url}/api/v1/users", json=body, headers=vouched, timeout=30)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"email_taken"}


def test_an_oauth_client_library_signs_in_refreshes_and_signs_out(live, signer, ada):
    metadata = requests.get(f"{live.url}/.well-known/oauth-authorization-server", timeout=10).json()
    token_url, revocation_url = (
        metadata[name].replace(metadata["issuer"], live.url)
        for name in ("token_endpoint", "revocation_endpoint")
    )
    client = OAuth2Session(
        "mobile", token_endpoint_auth_method="none", revocation_endpoint_auth_method="none"
    )
    client.headers.update(headers(signer))
    first = client.fetch_token(token_url, username="ada@example.com", password=PASSWORD)
    second = client.refresh_token(token_url)
    assert second["refresh_token"] != first["refresh_token"]
    assert client.revoke_token(revocation_url, token=second["refresh_token"]).status_code == 200
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(token_url, refresh_token=second["refresh_token"])


def test_of_five_refreshes_with_one_token_at_once_one_is_answered_and_the_session_ends(
    live, signer, ada, postgres
):
    def post(**form):
        form = {"client_id": "mobile", **form}
        return requests.post(f"{live.url}/api/v1/auth/token", data=form, headers=vouched, timeout=10)

    vouched = headers(signer)
    token = post(grant_type="password", username="ada@example.com", password=PASSWORD).json()["refresh_token"]
    answers = at_once(5, lambda: post(grant_type="refresh_token", refresh_token=token))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 4
    with postgres.read() as tx:
        assert tx.conn.execute("SELECT id FROM sessions").fetchall() == []


def test_no_secret_is_in_any_log_line_or_refusal(live, signer, postgres, until):
    def post(path, **sent):
        answer = requests.post(
            live.url + path, headers=headers(signer) | sent.pop("headers", {}), timeout=10, **sent
        )
        answers.append(answer)
        return answer

    answers = []
    account = {"email": EMAIL, "password": CANARIES["password"], "name": "Ada"}
    sign_in = {"grant_type": "password", "client_id": "mobile", "username": account["email"]}
    for body in (
        account,
        account,
        account | {"password": f"{CANARIES['wrong']}\n"},
        {"secret": CANARIES["wrong"]},
    ):
        post("/api/v1/users", json=body)
    post(
        "/api/v1/users",
        data=f'{{"password": "{CANARIES["password"]}',
        headers={"Content-Type": "application/json"},
    )
    post("/api/v1/auth/token", data=sign_in | {"password": CANARIES["wrong"]})
    post("/api/v1/auth/token", data=sign_in | {"password": [CANARIES["wrong"], CANARIES["password"]]})
    post("/api/v1/auth/token?password=" + CANARIES["password"], data=sign_in)
    post("/api/v1/auth/revoke", data={"client_id": "mobile", "token": CANARIES["refresh_token"]})
    refusals = "".join(answer.text for answer in answers)
    granted = post("/api/v1/auth/token", data=sign_in | {"password": CANARIES["password"]}).json()
    spent = {"grant_type": "refresh_token", "client_id": "mobile", "refresh_token": granted["refresh_token"]}
    for _ in range(2):
        post("/api/v1/auth/token", data=spent)
    post("/api/v1/auth/token", data=spent | {"refresh_token": CANARIES["refresh_token"]})

    until(lambda: live.log.read_text().count('"message":"request"') >= len(answers))
    logged = live.log.read_text()
    with postgres.read() as tx:
        hashes = [tx.user_with_email(account["email"]).password_hash]
    secrets = [*CANARIES.values(), *hashes, granted["access_token"], granted["refresh_token"]]
    secrets.append(headers(signer)["Authorization"].removeprefix("Bearer "))
    assert [secret for secret in secrets if secret in logged or secret in refusals] == []
    assert EMAIL not in logged
