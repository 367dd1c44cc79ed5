import pytest
from running import PASSWORD

from chassis.ids import new_id

ADMIN = new_id()


def test_somebody_registers_and_sees_their_account(gateway):
    registered = gateway.register("Ada.L@Example.com", name="Ada Lovelace")
    assert registered == gateway.call("GET", "/api/v1/users/me", user=registered["id"]).json
    assert {**registered, "id": "", "created_at": ""} == {
        "id": "",
        "email": "ada.l@example.com",
        "name": "Ada Lovelace",
        "role": "customer",
        "created_at": "",
    }


def test_an_address_is_taken_in_whatever_case(gateway):
    gateway.register("ada@example.com")
    again = {"email": "ADA@example.com", "password": PASSWORD, "name": "Another"}
    answer = gateway.call("POST", "/api/v1/users", json=again)
    assert (answer.status_code, answer.json["code"]) == (409, "email_taken")


def test_somebody_changes_their_name(gateway):
    ada = gateway.register()
    answer = gateway.call("PATCH", "/api/v1/users/me", user=ada["id"], json={"name": "Ada L."})
    assert answer.json == {**ada, "name": "Ada L."}


def test_somebody_deletes_their_account(gateway, postgres):
    ada = gateway.register()
    token = gateway.sign_in().json["refresh_token"]
    assert gateway.call("DELETE", "/api/v1/users/me", user=ada["id"]).status_code == 204
    for method in ("GET", "DELETE"):
        answer = gateway.call(method, "/api/v1/users/me", user=ada["id"])
        assert (answer.status_code, answer.json["code"]) == (404, "user_not_found")
    assert gateway.refresh(token).json["error"] == "invalid_grant"
    assert gateway.sign_in().json["error"] == "invalid_grant"
    with postgres.read() as tx:
        [kept] = tx.conn.execute("SELECT * FROM users").fetchall()
        events = tx.conn.execute("SELECT type, data, version FROM outbox ORDER BY position").fetchall()
    assert str(kept["id"]) == ada["id"]
    assert kept["email"] is kept["name"] is kept["password_hash"] is None
    assert events == [
        {"type": "user.registered", "data": {"user_id": ada["id"]}, "version": 1},
        {"type": "user.deleted", "data": {"user_id": ada["id"]}, "version": 2},
    ]


def test_the_administrator_sees_all_accounts_page_by_page(gateway):
    users = [gateway.register(f"{name}@example.com", name=name) for name in "abc"]
    first = gateway.call("GET", "/api/v1/users?limit=2", user=ADMIN, admin=True).json
    rest = gateway.call("GET", f"/api/v1/users?cursor={first['next_cursor']}", user=ADMIN, admin=True).json
    assert [*first["data"], *rest["data"]] == users[::-1]
    assert rest["next_cursor"] is None
    assert gateway.call("GET", f"/api/v1/users/{users[0]['id']}", user=ADMIN, admin=True).json == users[0]


def test_nobody_else_sees_them(gateway):
    ada, bob = (gateway.register(f"{name}@example.com") for name in ("ada", "bob"))
    for path in ("/api/v1/users", f"/api/v1/users/{bob['id']}"):
        assert gateway.call("GET", path, user=ada["id"]).status_code == 403
        assert gateway.call("GET", path).status_code == 401
        assert gateway.client.get(path).json["code"] == "assertion_missing"


def test_an_unknown_user_is_not_found(gateway):
    answer = gateway.call("GET", f"/api/v1/users/{new_id()}", user=ADMIN, admin=True)
    assert (answer.status_code, answer.json["code"]) == (404, "user_not_found")


GOOD = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", None),
        ("email", 7),
        ("email", ""),
        ("email", "ada"),
        ("email", "ada@example.com\n"),
        ("email", "ada\u0000@example.com"),
        ("email", "a" * 250 + "@example.com"),
        ("password", "short"),
        ("password", "x" * 129),
        ("password", "correct\u0000horse battery"),
        ("password", 123456789012),
        ("name", ""),
        ("name", " "),
        ("name", "x" * 101),
        ("name", "A\u0000da"),
        ("name", ["Ada"]),
        ("role", "admin"),
        ("id", "018f0000-0000-7000-8000-000000000000"),
    ],
)
def test_a_bad_field_is_pointed_at_and_registers_nobody(gateway, postgres, field, value):
    answer = gateway.call("POST", "/api/v1/users", json={**GOOD, field: value})
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in answer.json["errors"]] == [f"/{field}"]
    with postgres.read() as tx:
        assert tx.users(None, 1) == []


@pytest.mark.parametrize("missing", ["email", "password", "name"])
def test_a_missing_field_is_pointed_at(gateway, missing):
    sent = {field: value for field, value in GOOD.items() if field != missing}
    answer = gateway.call("POST", "/api/v1/users", json=sent)
    assert [(each["pointer"], each["code"]) for each in answer.json["errors"]] == [
        (f"/{missing}", "required")
    ]


@pytest.mark.parametrize(
    ("body", "media_type", "status", "code"),
    [
        (b"", "application/json", 400, "malformed_json"),
        (b"{", "application/json", 400, "malformed_json"),
        (b'{"email": NaN}', "application/json", 400, "malformed_json"),
        (b'{"name": "\\ud800"}', "application/json", 400, "malformed_json"),
        (b'"\xff"', "application/json", 400, "malformed_json"),
        (b"[" * 5000, "application/json", 400, "malformed_json"),
        (b"[]", "application/json", 422, "validation_failed"),
        (b"7", "application/json", 422, "validation_failed"),
        (b"null", "application/json", 422, "validation_failed"),
        (b'{"name": 1e400}', "application/json", 400, "malformed_json"),
        (b'{"name": 1e300}', "application/json", 422, "validation_failed"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{}", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"[" + b" " * 70_000 + b"]", "application/json", 413, "body_too_large"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(gateway, body, media_type, status, code):
    answer = gateway.call("POST", "/api/v1/users", data=body, content_type=media_type)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "limit=1&limit=2", "cursor=x", "cursor=" + "A" * 21, "page=2"],
)
def test_a_bad_query_is_refused(gateway, query):
    answer = gateway.call("GET", f"/api/v1/users?{query}", user=ADMIN, admin=True)
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")


def test_an_assertion_for_another_service_or_from_another_issuer_is_no_use(gateway):
    elsewhere = gateway.signer.sign("orders", str(new_id()))
    for authorization in (f"Bearer {elsewhere}", "Bearer x.y.z", "Basic abc"):
        answer = gateway.client.get("/api/v1/users/me", headers={"Authorization": authorization})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "path", ["/api/v1/users/", "/api/v1//users", "/api/v1/users/7", "/api/v1/users/me/photo"]
)
def test_other_paths_are_not_found(gateway, path):
    assert gateway.call("GET", path, user=ADMIN, admin=True).json["code"] == "not_found"


def test_another_method_is_refused_with_those_there_are(gateway):
    answer = gateway.call("PUT", "/api/v1/users/me", user=ADMIN, json={})
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"DELETE", "GET", "HEAD", "PATCH"}
