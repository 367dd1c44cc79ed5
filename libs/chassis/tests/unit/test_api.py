import time
import uuid

import example
import pytest

from chassis import context, web
from chassis.api import Api
from chassis.errors import Conflict
from chassis.idempotency import Replay

PART = {"label": "ABC-1", "count": 2}


@pytest.fixture
def client(built):
    return built.app.test_client()


def make(client, built, name="first", key="key-1"):
    body = {"name": name, "parts": [PART]}
    return client.post("/api/v1/boxes", json=body, headers=built.headers() | {"Idempotency-Key": key})


def test_a_view_gets_what_was_sent_and_its_answer_is_presented(client, built):
    answer = make(client, built)
    assert answer.status_code == 201
    assert answer.content_type == "application/json"
    box = answer.json
    assert box["name"] == "first"
    assert box["note"] is None
    assert box["parts"] == [PART]
    assert box["made_at"].endswith("Z")
    assert client.get(f"/api/v1/boxes/{box['id']}", headers=built.headers()).json == box


def test_a_list_is_paged_by_cursor(client, built):
    made = [make(client, built, name=f"box {n}", key=f"key-{n}").json["id"] for n in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(
            f"/api/v1/boxes?limit=2{cursor and '&cursor='}{cursor}", headers=built.headers()
        ).json
        seen += [box["id"] for box in page["data"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]


def test_a_view_may_answer_with_a_status_and_headers_of_its_own(client, built):
    answer = client.put("/api/v1/labels/ABC-1", json=PART, headers=built.headers())
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')


def test_a_view_that_shows_nothing_answers_204(client, built):
    box_id = make(client, built).json["id"]
    answer = client.delete(f"/api/v1/boxes/{box_id}", headers=built.headers("admin"))
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers


def test_answers_are_not_kept_by_caches_unless_the_view_says_so(client, built):
    assert make(client, built).headers["Cache-Control"] == "no-store"


def test_head_answers_like_get_without_a_body(client, built):
    answer = client.head("/api/v1/boxes", headers=built.headers())
    assert (answer.status_code, answer.data) == (200, b"")


def test_a_form_is_read(client):
    answer = client.post("/api/v1/sign", data={"grant": "one", "email": "a@b.de", "times": "3"})
    assert answer.json == {"grant": "one"}


def test_the_request_id_of_the_caller_is_kept_and_answered(client, log_lines):
    answer = client.get("/livez", headers={"X-Request-ID": "request-1234"})
    assert answer.headers["X-Request-ID"] == "request-1234"
    assert log_lines()[-1]["request_id"] == "request-1234"


def test_an_odd_request_id_is_replaced(client):
    assert (
        uuid.UUID(client.get("/livez", headers={"X-Request-ID": "a b"}).headers["X-Request-ID"]).version == 7
    )


def test_the_access_line_tells_route_user_status_and_duration(client, built, log_lines):
    make(client, built)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    client.get("/api/v1/boxes?limit=1", headers=built.headers() | {"traceparent": trace})
    line = log_lines()[-1]
    assert (line["logger"], line["message"], line["level"]) == ("access", "request", "INFO")
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/boxes", 200)
    assert (line["user_id"], line["trace_id"]) == (example.USER, "4bf92f3577b34da6a3ce929d0e0e4736")
    assert line["duration_ms"] < 1000
    assert line["bytes"] > 100


def test_what_health_is_asked_is_not_logged_at_info(client, log_lines):
    client.get("/livez")
    assert log_lines()[-1]["level"] == "DEBUG"


@pytest.mark.parametrize("role", ["", "user", "Admin"])
def test_what_is_for_administrators_is_for_nobody_else(client, built, role):
    answer = client.delete(f"/api/v1/boxes/{uuid.uuid4()}", headers=built.headers(role))
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_what_is_for_users_is_not_for_the_anonymous(client, built):
    answer = client.get(f"/api/v1/boxes/{uuid.uuid4()}", headers=built.headers(user=None))
    assert (answer.status_code, answer.json["code"]) == (401, "assertion_invalid")
    assert client.get("/api/v1/boxes", headers=built.headers(user=None)).status_code == 200


def test_an_issuer_may_call_what_names_it_and_nothing_else(client, built):
    auditor = built.headers(signer=built.auditor)
    assert client.get("/api/v1/audit", headers=auditor).status_code == 200
    assert client.get("/api/v1/boxes", headers=auditor).status_code == 403
    assert client.get("/api/v1/audit", headers=built.headers()).status_code == 403


@pytest.mark.parametrize(
    "name", ["X-User-Id", "X_User_Id", "X-Forwarded-User", "Forwarded", "X-Souk-Roles", "Cookie"]
)
def test_no_bare_header_makes_a_caller(client, name):
    answer = client.get("/api/v1/boxes", headers={name: example.USER})
    assert (answer.status_code, answer.json["code"]) == (401, "assertion_missing")


def test_time_that_is_used_up_is_not_spent(client, built):
    answer = client.get("/api/v1/boxes", headers=built.headers() | {"X-Request-Deadline-Ms": "0"})
    assert (answer.status_code, answer.json["code"]) == (504, "deadline_exceeded")


@pytest.mark.parametrize("deadline", ["", "-5", "1e9", "soon", "999999999", "٣"])
def test_no_caller_gets_more_time_than_the_service_gives(built, deadline):
    api = Api("boxes", "1", built.verifier)
    left = []

    @api.get("/left")
    def show(call):
        left.append(context.current().deadline - time.monotonic())

    app = web.create_flask("boxes", built.settings)
    api.init_app(app)
    app.test_client().get("/left", headers=built.headers() | {"X-Request-Deadline-Ms": deadline})
    assert 9 < left[0] <= 10


def test_what_was_answered_before_is_answered_again(built):
    api = Api("boxes", "1", built.verifier)
    asked = []

    @api.post("/things", body=example.PartView, answer=example.PartView, status=201, idempotent=True)
    def make_thing(call):
        asked.append(call.once)
        raise Replay(*([(201, b'{"was":1}'), (409, b'{"code":"x"}'), (204, b"")][len(asked) - 1]))

    app = web.create_flask("boxes", built.settings)
    api.init_app(app)
    headers = built.headers() | {"Idempotency-Key": "k"}
    first, second, third = (app.test_client().post("/things", json=PART, headers=headers) for _ in range(3))
    assert all(answer.headers["Idempotent-Replayed"] == "true" for answer in (first, second, third))
    assert (first.status_code, first.content_type, first.data) == (201, "application/json", b'{"was":1}')
    assert (second.status_code, second.content_type) == (409, "application/problem+json")
    assert (third.status_code, third.data) == (204, b"")


def test_a_final_refusal_is_presented_as_its_problem(built):
    api = Api("boxes", "1", built.verifier)
    presented = []

    class Declined(Conflict):
        code = "declined"

    @api.post("/things", body=example.PartView, answer=example.PartView, status=201, idempotent=True)
    def make_thing(call):
        presented.extend([call.once._present(Declined("No.")), call.once._present(call.body)])
        return call.body

    app = web.create_flask("boxes", built.settings)
    api.init_app(app)
    answer = app.test_client().post("/things", json=PART, headers=built.headers() | {"Idempotency-Key": "k"})
    assert presented[0][0] == 409
    assert b'"code":"declined"' in presented[0][1]
    assert presented[1] == (201, answer.data)


def test_the_document_is_served_to_all_who_reach_the_service(client):
    document = client.get("/openapi.json").json
    assert document["openapi"] == "3.1.0"
    post = document["paths"]["/api/v1/boxes"]["post"]
    assert post["responses"]["409"]["description"] == "name_taken, request_in_progress"
    assert {"in": "header", "name": "Idempotency-Key", "required": True}.items() <= post["parameters"][
        0
    ].items()
    assert document["paths"]["/api/v1/sign"]["post"]["security"] == []
