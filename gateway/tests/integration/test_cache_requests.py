"""What clients may ask of what is kept: heads, conditions, wishes of their own, and changes."""

import uuid

import pytest
from serving import get, post, whole

FRESH = 'Cache-Control: public, max-age=60\r\nETag: "one"\r\n'


@pytest.fixture
def path():
    return f"/api/v1/products/{uuid.uuid4()}"


def answering(orders, fields=FRESH, body=b"{}", status=200):
    """Let orders count its answers in their bodies."""

    def answer(wire, request):
        request.body = b"".join(wire.body_of(request))
        if dict(request.fields).get("if-none-match") == '"one"':
            wire.send(f"HTTP/1.1 304 X\r\n{fields}\r\n")
        else:
            wire.send(whole(status, body + b"%d" % len(orders.requests), fields))

    orders.answer = answer


def test_head_and_conditions_are_answered_from_what_is_kept(gateway, orders, path):
    answering(orders)
    head = gateway.ask(get(path, method="HEAD"))
    assert (head.status, head["content-length"], head.body) == (200, "3", b"")
    assert orders.requests[0].line[0] == "GET"
    known = gateway.ask(get(path, 'If-None-Match: "zero", W/"one"'))
    assert (known.status, known.body, known["etag"]) == (304, b"", '"one"')
    assert not {"content-length", "content-type"} & dict(known.fields).keys()
    assert gateway.ask(get(path, 'If-None-Match: "two"')).body == b"{}1"
    assert gateway.ask(get(path, 'If-None-Match: "one"', method="HEAD")).status == 304
    assert len(orders.requests) == 1


def test_a_condition_is_met_on_the_way_to_being_kept(gateway, orders, path):
    answering(orders)
    assert gateway.ask(get(path, 'If-None-Match: "one"')).status == 304
    assert gateway.ask(get(path)).body == b"{}1"
    assert len(orders.requests) == 1 and "if-none-match" not in dict(orders.requests[0].fields)


def test_requests_on_one_connection_are_framed_whatever_the_cache_does(gateway, orders, path):
    answering(orders)
    wire = gateway.connect()
    wire.send(get(path) + get(path, method="HEAD") + get(path, 'If-None-Match: "one"') + get(path))
    assert wire.message().body == b"{}1"
    assert wire.message(bodiless=True).status == 200
    assert wire.message(bodiless=True).status == 304
    assert wire.message().body == b"{}1"
    wire.close()


@pytest.mark.parametrize("wish", ["no-cache", "max-age=0", "no-store", "No-Cache, foo", "max-age=x"])
def test_who_wants_no_kept_answer_gets_one_that_was_validated(gateway, orders, path, wish):
    answering(orders)
    gateway.ask(get(path))
    assert gateway.ask(get(path, f"Cache-Control: {wish}")).body == b"{}1"
    assert [request["if-none-match"] for request in orders.requests[1:]] == ['"one"']


@pytest.mark.parametrize("wish", ["max-age=30", "max-stale=9", "public", 'garbage "'])
def test_other_wishes_are_met_by_what_is_kept(gateway, orders, path, wish):
    answering(orders)
    gateway.ask(get(path))
    assert gateway.ask(get(path, f"Cache-Control: {wish}")).body == b"{}1"
    assert len(orders.requests) == 1


def test_who_wants_a_kept_answer_only_gets_no_other(gateway, orders, path):
    answering(orders)
    only = "Cache-Control: only-if-cached"
    assert gateway.ask(get(path, only)).problem["code"] == "not_cached"
    gateway.ask(get(path))
    assert gateway.ask(get(path, only)).status == 200
    assert len(orders.requests) == 1


def test_a_change_is_seen_at_once(gateway, orders, issuer, path):
    answering(orders)
    bodies = [gateway.ask(get(each)).body for each in (path, f"{path}?x=1", path)]
    answering(orders, "")
    changed = post(path, "{}", f"Authorization: {issuer.bearer(roles=['admin'])}").replace("POST", "PUT", 1)
    assert gateway.ask(changed).status == 200
    answering(orders)
    assert bodies == [b"{}1", b"{}2", b"{}1"]
    assert [gateway.ask(get(each)).body for each in (path, f"{path}?x=1", path)] == [b"{}4", b"{}5", b"{}4"]


@pytest.mark.parametrize(("roles", "status"), [([], 200), (["admin"], 409), (["admin"], 500)])
def test_a_change_that_fails_changes_nothing(gateway, orders, issuer, path, roles, status):
    answering(orders)
    gateway.ask(get(path))
    answering(orders, "", status=status)
    changed = post(path, "{}", f"Authorization: {issuer.bearer(roles=roles)}").replace("POST", "PUT", 1)
    assert gateway.ask(changed).status == (403 if not roles else status)
    assert gateway.ask(get(path)).body == b"{}1"
