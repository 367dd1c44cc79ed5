from http.cookies import SimpleCookie

import jwt
import pytest
from doubles import BusyPasswords
from running import PASSWORD, Gateway

from users.app import create_app
from users.domain import RefreshToken
from users.oauth import COOKIE


@pytest.fixture
def ada(gateway):
    return gateway.register()


def cookie_of(answer):
    return SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]


def refresh_by_cookie(gateway, value):
    form = {"grant_type": "refresh_token", "client_id": "web"}
    return gateway.call("POST", "/api/v1/auth/token", data=form, headers={"Cookie": f"{COOKIE}={value}"})


def revoke(gateway, cookie="", **form):
    headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
    return gateway.call("POST", "/api/v1/auth/revoke", data=form, headers=headers)


def test_a_phone_gets_both_tokens_in_the_body(gateway, ada):
    answer = gateway.sign_in("mobile")
    assert answer.status_code == 200
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 600)
    assert "Set-Cookie" not in answer.headers


def test_a_browser_gets_the_refresh_token_as_a_cookie_that_scripts_cannot_read(gateway, ada):
    answer = gateway.sign_in("web")
    assert set(answer.json) == {"access_token", "token_type", "expires_in"}
    cookie = cookie_of(answer)
    assert (cookie["path"], cookie["samesite"], cookie["max-age"]) == ("/api/v1/auth", "Strict", "2592000")
    assert cookie["secure"] and cookie["httponly"] and not cookie["domain"]


def test_no_answer_with_tokens_is_kept_by_anybody(gateway, ada):
    for answer in (gateway.sign_in(), gateway.sign_in(password="wrong"), gateway.token()):
        assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")


def test_an_access_token_is_verified_with_the_published_keys(gateway, ada):
    token = gateway.sign_in().json["access_token"]
    published = gateway.client.get("/.well-known/jwks.json")
    assert published.headers["Cache-Control"] == "public, max-age=300"
    key = jwt.PyJWKSet.from_dict(published.json)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="souk", issuer="http://127.0.0.1:8080")
    assert (claims["sub"], claims["roles"]) == (ada["id"], [])


def test_the_metadata_names_the_endpoints_under_the_public_issuer(gateway):
    metadata = gateway.client.get("/.well-known/oauth-authorization-server").json
    assert metadata["issuer"] == "http://127.0.0.1:8080"
    assert metadata["token_endpoint"] == "http://127.0.0.1:8080/api/v1/auth/token"
    assert metadata["revocation_endpoint"] == "http://127.0.0.1:8080/api/v1/auth/revoke"
    assert metadata["jwks_uri"] == "http://127.0.0.1:8080/.well-known/jwks.json"
    assert metadata["grant_types_supported"] == ["password", "refresh_token"]


def test_a_refresh_token_is_exchanged_for_the_next(gateway, ada):
    first = gateway.sign_in().json["refresh_token"]
    second = gateway.refresh(first).json["refresh_token"]
    third = gateway.refresh(second).json["refresh_token"]
    assert len({first, second, third}) == 3


def test_a_refresh_token_shown_twice_ends_the_session(gateway, ada):
    first = gateway.sign_in().json["refresh_token"]
    second = gateway.refresh(first).json["refresh_token"]
    for spent in (first, second):
        answer = gateway.refresh(spent)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")


def test_a_made_up_secret_of_a_true_session_ends_nothing(gateway, ada):
    token = gateway.sign_in().json["refresh_token"]
    second = gateway.refresh(token).json["refresh_token"]
    made_up = RefreshToken.new(RefreshToken.parse(token).session_id).text
    assert revoke(gateway, client_id="mobile", token=made_up).status_code == 200
    assert gateway.refresh(made_up).json["error"] == "invalid_grant"
    assert gateway.refresh(second).status_code == 200


def test_a_browser_refreshes_by_its_cookie_alone(gateway, ada):
    first = cookie_of(gateway.sign_in("web")).value
    second = refresh_by_cookie(gateway, first)
    assert cookie_of(second).value not in ("", first)
    in_the_body = gateway.token(grant_type="refresh_token", client_id="web", refresh_token=first)
    assert in_the_body.json["error"] == "invalid_request"


def test_a_cookie_is_no_use_on_a_phone_and_a_phones_token_none_in_a_browser(gateway, ada):
    browsers = cookie_of(gateway.sign_in("web")).value
    phones = gateway.sign_in("mobile").json["refresh_token"]
    assert gateway.refresh(browsers).json["error"] == "invalid_grant"
    assert refresh_by_cookie(gateway, phones).json["error"] == "invalid_grant"


def test_refresh_tokens_are_kept_as_hashes(gateway, ada, postgres):
    token = gateway.sign_in().json["refresh_token"]
    with postgres.read() as tx:
        [kept] = tx.conn.execute("SELECT sessions::text AS row FROM sessions").fetchall()
    assert token not in kept["row"]


def test_a_phone_signs_out(gateway, ada):
    token = gateway.sign_in().json["refresh_token"]
    answer = revoke(gateway, client_id="mobile", token=token, token_type_hint="refresh_token")
    assert (answer.status_code, answer.data) == (200, b"")
    assert gateway.refresh(token).json["error"] == "invalid_grant"


def test_a_browser_signs_out_and_forgets_its_cookie(gateway, ada):
    value = cookie_of(gateway.sign_in("web")).value
    cookie = cookie_of(revoke(gateway, client_id="web", cookie=value))
    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", "0", "/api/v1/auth")
    assert refresh_by_cookie(gateway, value).json["error"] == "invalid_grant"


def test_signing_out_with_a_token_nobody_knows_is_no_error(gateway):
    assert revoke(gateway, client_id="mobile", token="nonsense").status_code == 200
    assert revoke(gateway, client_id="web").status_code == 200


def test_an_access_token_cannot_be_revoked_and_nobody_says_it_was(gateway, ada):
    token = gateway.sign_in().json["access_token"]
    answer = revoke(gateway, client_id="mobile", token=token)
    assert (answer.status_code, answer.json["error"]) == (400, "unsupported_token_type")


REGISTRATION = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}
SIGN_IN = {
    "grant_type": "password",
    "client_id": "mobile",
    "username": "ada@example.com",
    "password": PASSWORD,
}


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"password": "wrong"}, 400, "invalid_grant"),
        ({"username": "bob@example.com"}, 400, "invalid_grant"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"username": ""}, 400, "invalid_request"),
        ({"password": ""}, 400, "invalid_request"),
        ({"username": "ada\0@example.com"}, 400, "invalid_request"),
        ({"password": "x" * 129}, 400, "invalid_request"),
        ({"scope": "admin"}, 400, "invalid_scope"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "nonsense"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "A" * 64}, 400, "invalid_grant"),
    ],
)
def test_a_refusal_is_in_oauths_words(gateway, ada, changed, status, error):
    answer = gateway.token(**SIGN_IN | changed)
    assert (answer.status_code, answer.content_type) == (status, "application/json")
    assert answer.json["error"] == error
    assert answer.json.keys() == {"error", "error_description"}


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (
            b"grant_type=password&grant_type=password&client_id=mobile",
            "application/x-www-form-urlencoded",
            400,
        ),
        (b"grant_type=%ff&client_id=mobile", "application/x-www-form-urlencoded", 400),
        (b"", "application/x-www-form-urlencoded", 400),
        (b"=1&=2", "application/x-www-form-urlencoded", 400),
        (b"=&=", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
        (b"a=" + b"b" * 70_000, "application/x-www-form-urlencoded", 413),
    ],
)
@pytest.mark.parametrize("endpoint", ["token", "revoke"])
def test_a_form_that_cannot_be_read_is_an_invalid_request(gateway, endpoint, body, media_type, status):
    answer = gateway.call("POST", f"/api/v1/auth/{endpoint}", data=body, content_type=media_type)
    assert (answer.status_code, answer.json["error"]) == (status, "invalid_request")


def test_a_missing_parameter_is_named(gateway):
    assert gateway.token(client_id="mobile").json["error_description"].startswith("grant_type: ")
    assert gateway.sign_in(password="").json["error_description"] == "password is missing."


def test_parameters_nobody_knows_and_empty_ones_are_ignored(gateway, ada):
    assert gateway.token(**SIGN_IN, device="phone", scope="", refresh_token="").status_code == 200


def test_a_token_request_that_nobody_vouches_for_is_refused(gateway, ada):
    answer = gateway.client.post("/api/v1/auth/token", data=SIGN_IN)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_request")


def test_with_too_many_passwords_at_once_one_is_asked_to_come_back(settings, postgres, signer):
    app = create_app(settings, database=postgres, passwords=BusyPasswords())
    gateway = Gateway(app.test_client(), signer)
    signing_in, registering = gateway.sign_in(), gateway.call("POST", "/api/v1/users", json=REGISTRATION)
    assert (signing_in.status_code, signing_in.json["error"]) == (503, "temporarily_unavailable")
    assert (registering.status_code, registering.json["code"]) == (503, "passwords_busy")
    assert signing_in.headers["Retry-After"] == registering.headers["Retry-After"] == "1"


def test_no_other_method_is_served(gateway):
    answer = gateway.call("GET", "/api/v1/auth/token")
    assert (answer.status_code, answer.json["error"], answer.headers["Allow"]) == (
        405,
        "invalid_request",
        "POST",
    )
