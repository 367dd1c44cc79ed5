"""What the gateway itself refuses at the token endpoints, told in RFC 6749's form."""

import json

import pytest
from serving import free_port, get, post

TOKEN, REVOKE = "/api/v1/auth/token", "/api/v1/auth/revoke"
BAD_CHUNK = get(TOKEN, "Transfer-Encoding: chunked", method="POST") + "2\r\nab\r\nno size\r\n"


def refusal(gateway, request):
    """Return status and error of a refusal, whose form is the same whatever was wrong."""
    reply = gateway.ask(request)
    assert (reply["content-type"], reply["cache-control"]) == ("application/json", "no-store")
    assert reply["pragma"] == "no-cache" and reply["x-request-id"] and reply["date"]
    document = json.loads(reply.body)
    assert document.keys() == {"error", "error_description"} and document["error_description"]
    return reply.status, document["error"]


@pytest.mark.parametrize("path", [TOKEN, REVOKE])
@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS"])
def test_a_wrong_method_is_an_invalid_request(gateway, path, method):
    assert refusal(gateway, get(path, method=method)) == (405, "invalid_request")
    assert gateway.ask(get(path, method=method))["allow"] == "POST"


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (get(TOKEN, "Content-Length: 70000", method="POST"), 413),
        (get(REVOKE, "Content-Length: 70000", method="POST"), 413),
        (get(TOKEN, "Content-Length: 100", method="POST") + "abc", 408),
        (BAD_CHUNK, 400),
    ],
)
def test_a_body_that_cannot_be_taken_is_an_invalid_request(gateway, users, request_text, status):
    assert refusal(gateway, request_text) == (status, "invalid_request")
    assert not [each for each in users.requests if each.line[0] == "POST"]


@pytest.mark.parametrize("path", [TOKEN, REVOKE])
def test_a_service_that_does_not_answer_is_unavailable_for_now(gateway, users, path):
    users.answer = lambda wire, request: None
    assert refusal(gateway, post(path, "a=b")) == (504, "temporarily_unavailable")


def test_a_service_that_answers_garbage_is_unavailable_for_now(gateway, users):
    users.answer = lambda wire, request: (wire.send("hello\r\n\r\n"), wire.close())
    assert refusal(gateway, post(TOKEN, "a=b")) == (502, "temporarily_unavailable")


def test_a_service_that_is_down_is_unavailable_for_now(start_gateway):
    gateway = start_gateway(users_url=f"http://127.0.0.1:{free_port()}")
    assert refusal(gateway, post(TOKEN, "a=b")) == (503, "temporarily_unavailable")
    assert gateway.ask(get("/api/v1/users", method="POST")).problem["code"] == "upstream_unavailable"


def test_when_to_come_back_is_told_here_too(start_gateway, users, until):
    users.reset()
    gateway = start_gateway(upstream_connections=1, request_deadline_seconds=5)
    users.answer = lambda wire, request: None
    waiting = gateway.connect().send(post(TOKEN, "a=b"))
    until(lambda: [each for each in users.requests if each.target == TOKEN])
    assert refusal(gateway, post(TOKEN, "a=b")) == (503, "temporarily_unavailable")
    assert gateway.ask(post(TOKEN, "a=b"))["retry-after"] == "1"
    waiting.close()
