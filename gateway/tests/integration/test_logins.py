"""The throttle of sign-ins under gunicorn, before a users service that knows one password."""

import json
import threading

import pytest
from serving import post, whole

TOKEN = "/api/v1/auth/token"
FORM = "Content-Type: application/x-www-form-urlencoded"


def sign_in(username="ada@souk.test", password="wrong", **more):
    form = {
        "grant_type": "password",
        "client_id": "mobile",
        "username": username,
        "password": password,
    } | more
    return post(TOKEN, "&".join(f"{name}={value}" for name, value in form.items()), FORM)


def check_password(wire, request):
    """Answer as users does, the answer's body in two pieces."""
    body = b"".join(wire.body_of(request))
    if b"password=right" in body:
        wire.send(whole(200, b'{"access_token":"x"}'))
        return
    head, _, rest = whole(400, b'{"error":"invalid_grant"}').partition(b"\r\n\r\n")
    wire.send(head + b"\r\n\r\n" + rest[:5])
    wire.send(rest[5:])


@pytest.fixture
def gateway(start_gateway, users):
    users.reset()
    users.answer = check_password
    return start_gateway(login_failures_per_pair=3)


def statuses(gateway, *requests):
    return [gateway.ask(request).status for request in requests]


def asked(users):
    return len([each for each in users.requests if each.target == TOKEN])


def test_wrong_passwords_are_soon_refused_and_never_reach_the_service(gateway, users):
    assert statuses(gateway, *[sign_in()] * 6) == [400, 400, 400, 429, 429, 429]
    assert asked(users) == 3
    assert statuses(gateway, sign_in("ben@souk.test", "right")) == [200]


def test_a_refusal_is_told_as_oauth_does_and_says_when_to_come_back(gateway):
    statuses(gateway, *[sign_in()] * 3)
    refusal = gateway.ask(sign_in(password="right"))
    assert refusal.status == 429 and refusal["cache-control"] == "no-store"
    assert json.loads(refusal.body) == {
        "error": "temporarily_unavailable",
        "error_description": "Too many sign-ins failed: try again later.",
    }
    assert 800 < int(refusal["retry-after"]) <= 900


def test_signing_in_makes_earlier_failures_forgotten(gateway):
    right = sign_in(password="right")
    wrong = sign_in()
    assert statuses(gateway, wrong, wrong, right, wrong, wrong, right) == [400, 400, 200, 400, 400, 200]


def test_going_on_with_a_refresh_token_is_no_sign_in(gateway):
    statuses(gateway, *[sign_in()] * 3)
    refresh = post(TOKEN, "grant_type=refresh_token&client_id=mobile&password=right", FORM)
    assert statuses(gateway, refresh, sign_in()) == [200, 429]


def test_guesses_at_the_same_time_are_counted_too(gateway, users):
    going_on, enough = threading.Event(), threading.Semaphore(0)

    def slowly(wire, request):
        enough.release()
        going_on.wait(10)
        check_password(wire, request)

    users.answer = slowly
    wires = [gateway.connect().send(sign_in()) for _ in range(20)]
    for _ in range(3):
        assert enough.acquire(timeout=10)
    going_on.set()
    found = [wire.message().status for wire in wires]
    assert sorted(found) == [400] * 3 + [429] * 17 and asked(users) == 3


def test_a_form_that_could_hide_a_sign_in_behind_its_length_is_refused(gateway, users):
    padding = "a" * 65_400
    request = post(TOKEN, "", FORM, "Transfer-Encoding: chunked").replace("Content-Length: 0\r\n", "")
    body = f"x={padding}&grant_type=password&username=ada&password="
    body += "x" * (65_536 - len(body))
    wire = gateway.connect().send(f"{request}{len(body):x}\r\n{body}\r\n").send("1\r\nx\r\n")
    assert wire.message().status == 413 and not asked(users)
    wire.close()


def test_no_line_of_the_log_and_no_metric_tells_an_account(gateway, until):
    statuses(gateway, *[sign_in("ada.secret@souk.test")] * 6)
    until(lambda: "too_many_logins" in gateway.log.read_text())
    assert "secret" not in gateway.log.read_text()
    assert b"secret" not in gateway.page("/metrics").body
