import json
import uuid

import orjson
import pytest

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BOXES, SIGN, LABEL = "/api/v1/boxes", "/api/v1/sign", "/api/v1/labels/ABC-1"
PART = {"label": "ABC-1", "count": 2}
BOX = {"name": "first", "parts": [PART]}


def ask(built, method, path, *, data=None, headers=None, **environ):
    sent = built.headers() | {"Idempotency-Key": "key-1"} | (headers or {})
    return built.app.test_client().open(
        path, method=method, data=data, headers=sent, environ_overrides=environ
    )


def refused(answer, log_lines, status, code):
    """Check that an answer is a problem document of this status and code, that no traceback was logged, and return
    its errors."""
    assert answer.status_code == status, answer.data
    problem = answer.json
    assert answer.content_type == "application/problem+json"
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    line = log_lines()[-1]
    assert (line["status"], line["code"], line["request_id"]) == (status, code, problem["request_id"])
    assert all("exc_info" not in each for each in log_lines())
    return problem.get("errors", [])


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"name": None}, "/name", "null"),
        ({"name": ""}, "/name", "length"),
        ({"name": "a" * 41}, "/name", "length"),
        ({"name": 7}, "/name", "invalid"),
        ({"name": ["a"]}, "/name", "invalid"),
        ({"name": "a\x00b"}, "/name", "pattern"),
        ({"name": "a\nb"}, "/name", "pattern"),
        ({"parts": []}, "/parts", "length"),
        ({"parts": [PART] * 6}, "/parts", "length"),
        ({"parts": {}}, "/parts", "invalid"),
        ({"parts": [PART, 1]}, "/parts/1", "invalid"),
        ({"parts": [{**PART, "count": 0}]}, "/parts/0/count", "out_of_range"),
        ({"parts": [{**PART, "count": -1}]}, "/parts/0/count", "out_of_range"),
        ({"parts": [{**PART, "count": 1_000_000}]}, "/parts/0/count", "out_of_range"),
        ({"parts": [{**PART, "count": 10**30}]}, "/parts/0/count", "out_of_range"),
        ({"parts": [{**PART, "count": 1.5}]}, "/parts/0/count", "invalid"),
        ({"parts": [{**PART, "count": "2"}]}, "/parts/0/count", "invalid"),
        ({"parts": [{**PART, "count": True}]}, "/parts/0/count", "invalid"),
        ({"parts": [{**PART, "label": "abc"}]}, "/parts/0/label", "pattern"),
        ({"parts": [PART, {"count": 1}]}, "/parts/1/label", "required"),
        ({"extra": 1}, "/extra", "unknown_field"),
        ({"a/b~c": 1}, "/a~1b~0c", "unknown_field"),
        ({"": 1}, "/", "unknown_field"),
        ({"parts": [{**PART, "price": 1}]}, "/parts/0/price", "unknown_field"),
    ],
)
def test_a_wrong_field_is_pointed_at(built, log_lines, change, pointer, code):
    answer = ask(built, "POST", BOXES, data=json.dumps(BOX | change), headers=JSON)
    errors = refused(answer, log_lines, 422, "validation_failed")
    assert [(each["pointer"], each["code"]) for each in errors] == [(pointer, code)]
    assert log_lines()[-1]["fields"] == [f"{pointer}: {code}"]
    assert not built.boxes


@pytest.mark.parametrize("body", ["[]", "7", '"text"', "null", "true", "[[[]]]"])
def test_a_body_that_is_no_object_is_pointed_at_as_a_whole(built, log_lines, body):
    errors = refused(ask(built, "POST", BOXES, data=body, headers=JSON), log_lines, 422, "validation_failed")
    assert errors[0]["pointer"] == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": -Infinity}',
        b"{'name': 1}",
        b'{"name": "\\ud800"}',
        b'{"name": "\xff\xfe"}',
        b'{"name": "a\x00b"}',
        b"\xef\xbb\xbf{}",
        b"[" * 60_000,
        b'{"a":' * 12_000,
        b"{}{}",
        b'{"n": 1e999999}x',
        b"1" * 60_000,
        b'{"name": "first", "count": 1' + b"0" * 400 + b"}",
    ],
)
def test_what_is_no_json_is_said_to_be_none(built, log_lines, body):
    answer = ask(built, "POST", BOXES, data=body, headers=JSON)
    assert answer.status_code in (400, 422), answer.data
    refused(
        answer,
        log_lines,
        answer.status_code,
        "malformed_json" if answer.status_code == 400 else "validation_failed",
    )


def test_many_wrong_fields_are_told_up_to_a_bound(built, log_lines):
    body = json.dumps({f"field {n} {'x' * 500}": n for n in range(100)})
    errors = refused(ask(built, "POST", BOXES, data=body, headers=JSON), log_lines, 422, "validation_failed")
    assert len(errors) == 20
    assert all(len(each["pointer"]) <= 101 for each in errors)


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/jsonx",
        "\u00e4",
    ],
)
def test_a_body_of_another_type_is_refused(built, log_lines, kind):
    answer = ask(built, "POST", BOXES, data=orjson.dumps(BOX), headers={"Content-Type": kind})
    refused(answer, log_lines, 415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json;charset=UTF-8", "Application/JSON"])
def test_the_same_type_may_be_written_in_other_ways(built, kind):
    assert (
        ask(built, "POST", BOXES, data=orjson.dumps(BOX), headers={"Content-Type": kind}).status_code == 201
    )


def test_a_body_over_the_limit_is_refused_whatever_it_says_of_its_length(built, log_lines):
    body = b'{"name": "' + b"a" * 70_000 + b'"}'
    refused(ask(built, "POST", BOXES, data=body, headers=JSON), log_lines, 413, "body_too_large")
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    refused(ask(built, "POST", BOXES, data=body, headers=JSON, **chunked), log_lines, 413, "body_too_large")


@pytest.mark.parametrize("length", ["999", "-1", "+5", "abc", "1" * 30, "\u0665"])
def test_a_length_that_is_not_the_bodys_is_refused(built, log_lines, length):
    answer = ask(built, "POST", BOXES, data=b"{}", headers=JSON, CONTENT_LENGTH=length)
    assert answer.status_code in (400, 413, 422)
    refused(answer, log_lines, answer.status_code, answer.json["code"])


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ("limit=0", "limit", "out_of_range"),
        ("limit=101", "limit", "out_of_range"),
        ("limit=", "limit", "invalid"),
        ("limit=1e1", "limit", "invalid"),
        ("limit=" + "9" * 5000, "limit", "invalid"),
        ("limit", "limit", "invalid"),
        ("limit=1&limit=2", "limit", "repeated"),
        ("limit%5B%5D=1", "limit[]", "unknown_field"),
        ("cursor=x", "cursor", "length"),
        ("cursor=" + "B" * 22, "cursor", "pattern"),
        ("cursor=AAAAAAAAAAAAAAAAAAAAA%00", "cursor", "pattern"),
        ("offset=1", "offset", "unknown_field"),
        ("__proto__=1", "__proto__", "unknown_field"),
    ],
)
def test_a_wrong_query_parameter_is_named(built, log_lines, query, parameter, code):
    errors = refused(ask(built, "GET", f"{BOXES}?{query}"), log_lines, 422, "validation_failed")
    assert [(each["parameter"], each["code"]) for each in errors] == [(parameter, code)]


@pytest.mark.parametrize(
    "query", ["limit=%ff", "%c3%28=1", "a=1&" * 60, "limit=\xff", "=1", "=1&=2", "=", "limit=1&="]
)
def test_a_query_that_cannot_be_read_is_refused(built, log_lines, query):
    answer = ask(built, "GET", BOXES, QUERY_STRING=query)
    refused(answer, log_lines, 400, "malformed_query")


def test_a_route_without_parameters_takes_none(built, log_lines):
    errors = refused(ask(built, "GET", f"{BOXES}/{uuid.uuid4()}?x=1"), log_lines, 422, "validation_failed")
    assert errors[0]["parameter"] == "x"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"grant=one", 422, "validation_failed"),
        (b"grant=three&email=a@b.de", 422, "validation_failed"),
        (b"grant=one&grant=two&email=a@b.de", 422, "validation_failed"),
        (b"grant=one&email=a@b.de&admin=1", 422, "validation_failed"),
        (b"grant=%ff&email=a@b.de", 400, "malformed_form"),
        (b"grant=\xff", 400, "malformed_form"),
        (b"a=1&" * 60, 400, "malformed_form"),
        (b"=1", 400, "malformed_form"),
        (b"=1&=2", 400, "malformed_form"),
        (b'{"grant": "one"}', 422, "validation_failed"),
    ],
)
def test_a_wrong_form_is_refused(built, log_lines, body, status, code):
    refused(ask(built, "POST", SIGN, data=body, headers=FORM), log_lines, status, code)


@pytest.mark.parametrize("key", [None, "", '""', "a,b", "a" * 256, '"open', "ä", "a\tb"])
def test_a_missing_or_malformed_idempotency_key_is_refused(built, log_lines, key):
    headers = built.headers() | JSON | ({} if key is None else {"Idempotency-Key": key})
    answer = built.app.test_client().post(BOXES, data=orjson.dumps(BOX), headers=headers)
    code = "idempotency_key_missing" if key is None else "idempotency_key_malformed"
    refused(answer, log_lines, 400, code)


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic eDp5",
        "bearer a b",
        "Bearer " + "a" * 9000,
        "Bearer a,Bearer b",
        "\xff",
    ],
)
def test_a_missing_or_forged_assertion_is_refused(built, log_lines, authorization):
    answer = ask(built, "GET", BOXES, headers={"Authorization": authorization})
    assert answer.json["code"] in ("assertion_missing", "assertion_invalid")
    refused(answer, log_lines, 401, answer.json["code"])
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/api/v1//boxes",
        "/api/v1/boxes/",
        "/api/v1/./boxes",
        "/api/v1/x/../boxes",
        "/api/v1/boxes;x=1",
        "/api/v1/boxes/7",
        "/API/v1/boxes",
        "/api/v1/labels/a/b",
    ],
)
def test_a_path_is_taken_as_it_is(built, log_lines, path):
    refused(ask(built, "GET", "/", PATH_INFO=path), log_lines, 404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "//api/v1/labels/ABC-1",
        "/api/v1/labels/\x00",
        "/a\nb",
        "/a\\b",
        "/\xff",
        "/api/v1/labels/\x7f",
        "/\xc3\x28",
    ],
)
def test_a_path_of_odd_characters_reaches_no_route(built, log_lines, path):
    refused(ask(built, "PUT", "/", data=b"{}", headers=JSON, PATH_INFO=path), log_lines, 400, "bad_request")


@pytest.mark.parametrize("label", ["..", "abc-1", "ABC-1 ", "ABC-", "ABC-1\u2028", "%2e%2e"])
def test_a_path_parameter_of_another_form_is_named(built, log_lines, label):
    path = f"/api/v1/labels/{label}".encode().decode("latin-1")
    answer = ask(built, "PUT", "/", data=orjson.dumps(PART), headers=JSON, PATH_INFO=path)
    errors = refused(answer, log_lines, 422, "validation_failed")
    assert errors[0]["parameter"] == "label"


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "TRACE", "PROPFIND", "FOO"])
def test_another_method_is_refused_with_those_that_are_allowed(built, log_lines, method):
    answer = ask(built, method, LABEL)
    refused(answer, log_lines, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "PUT"


@pytest.mark.parametrize("host", ["", "a b", "a:b:c", "\xff", "x" * 5000, "a/b"])
def test_an_odd_host_breaks_nothing(built, host):
    assert ask(built, "GET", BOXES, HTTP_HOST=host).status_code in (200, 400)


def test_what_nobody_expected_is_logged_once_with_its_traceback_and_answered_without(built, log_lines):
    answer = ask(built, "GET", "/api/v1/fault")
    assert answer.status_code == 500
    assert answer.json["code"] == "internal_error"
    assert b"none" not in answer.data
    logged, access = log_lines()[-2:]
    assert (logged["level"], logged["message"], access["status"]) == ("ERROR", "unexpected error", 500)
    assert "KeyError" in logged["exc_info"]
    assert logged["request_id"] == access["request_id"] == answer.json["request_id"]
    assert sum("exc_info" in line for line in log_lines()) == 1


def test_a_body_that_nobody_reads_is_refused(built, log_lines):
    path = f"{BOXES}/{uuid.uuid4()}"
    errors = refused(
        ask(built, "GET", path, data=b'{"amount": 1}', headers=JSON), log_lines, 422, "validation_failed"
    )
    assert [(each["pointer"], each["code"]) for each in errors] == [("/amount", "unknown_field")]
    refused(ask(built, "GET", path, data=b"x", headers=JSON), log_lines, 400, "malformed_json")
    refused(ask(built, "GET", path, data=b"{}", headers=JSON), log_lines, 404, "no_such_box")
