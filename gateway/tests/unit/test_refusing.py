"""Refusals as clients get them."""

import json

import pytest

from chassis.errors import BadRequest, DeadlineExceeded, ServiceError, TooLarge, Unavailable
from gateway.front.refusals import MalformedRequest, RequestTimedOut
from gateway.refusing import explain

OAUTH = [
    (MalformedRequest(), 400, "invalid_request"),
    (RequestTimedOut(), 408, "invalid_request"),
    (TooLarge(), 413, "invalid_request"),
    (ServiceError(), 500, "server_error"),
    (Unavailable(), 503, "temporarily_unavailable"),
    (DeadlineExceeded(), 504, "temporarily_unavailable"),
]


@pytest.mark.parametrize(("error", "status", "code"), OAUTH)
def test_an_error_has_a_name_that_oauth_clients_know(error, status, code):
    told, _, body = explain(error, "request-1", b"", oauth=True)
    assert told == status
    assert json.loads(body) == {"error": code, "error_description": error.title}


def test_a_description_has_only_what_oauth_allows():
    _, _, body = explain(BadRequest('a "b" \\ \xe9\n!'), "request-1", b"", oauth=True)
    assert json.loads(body)["error_description"] == "a 'b' ' ''!"


def test_elsewhere_an_error_is_a_problem_document():
    status, fields, body = explain(RequestTimedOut("Late."), "request-1", b"a: b\r\n")
    assert (status, json.loads(body)["status"], json.loads(body)["code"]) == (408, 408, "request_timeout")
    assert b"content-type: application/problem+json\r\n" in fields and b"pragma" not in fields
    assert fields.startswith(b"a: b\r\n")
