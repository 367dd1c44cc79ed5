"""The feed of revocations, as the gateway reads it."""

import jwt
import pytest

from chassis.ids import new_id

FEED = "/internal/revocations"
START = "A" * 32  # the position before all


@pytest.fixture
def ada(gateway):
    return gateway.register()


def read(gateway, **query):
    answer = gateway.call("GET", FEED, query_string=query)
    assert answer.status_code == 200, answer.json
    return answer.json


def read_all(gateway, since, limit):
    """Read page after page to the end: the ids, and where the next reading begins."""
    ids, more = [], True
    while more:
        page = read(gateway, since=since, limit=limit)
        ids += [each["id"] for each in page["data"]]
        since, more = page["next_cursor"], page["more"]
    return ids, since


def revoke(tx):
    """Revoke the tokens of somebody in an open transaction."""
    id_ = new_id()
    tx.conn.execute(
        "INSERT INTO revocations (kind, id, expires_at) VALUES ('user', %s, now() + interval '1 hour')",
        (id_,),
    )
    return str(id_)


def test_who_signs_out_is_told_with_the_session_of_the_access_token(gateway, ada):
    token = gateway.sign_in().json
    claims = claims_of(token["access_token"])
    gateway.call("POST", "/api/v1/auth/revoke", data={"client_id": "mobile", "token": token["refresh_token"]})
    [told] = read(gateway)["data"]
    assert (told["kind"], told["id"]) == ("session", claims["sid"])


def test_an_erased_account_is_told(gateway, ada):
    gateway.call("DELETE", "/api/v1/users/me", user=ada["id"])
    [told] = read(gateway)["data"]
    assert (told["kind"], told["id"]) == ("user", ada["id"])


def test_the_feed_goes_on_where_it_was_left(gateway, postgres):
    with postgres.transaction() as tx:
        first = revoke(tx)
    ids, since = read_all(gateway, START, 1)
    assert (ids, read(gateway, since=since)["data"]) == ([first], [])
    with postgres.transaction() as tx:
        second = revoke(tx)
    assert read_all(gateway, since, 1)[0] == [second]
    assert [each["id"] for each in read(gateway)["data"]] == [first, second]


def test_long_lists_come_page_by_page(gateway, postgres):
    with postgres.transaction() as tx:
        revoked = [revoke(tx) for _ in range(7)]
    first = read(gateway, limit=3)
    assert ([each["id"] for each in first["data"]], first["more"]) == (revoked[:3], True)
    assert read_all(gateway, first["next_cursor"], 3)[0] == revoked[3:]


def test_a_transaction_that_ends_late_is_not_missed(gateway, postgres):
    with postgres.transaction() as late:
        begun_first = revoke(late)
        with postgres.transaction() as tx:
            ended_first = revoke(tx)
        ids, since = read_all(gateway, START, 1)
        assert ids == [ended_first]
    assert begun_first in read_all(gateway, since, 1)[0]


def test_a_cursor_that_is_ahead_of_the_database_begins_anew(gateway, postgres):
    with postgres.transaction() as tx:
        revoked = revoke(tx)
    for ahead in ("f" + "_" * 31, "A" * 11 + "B" + "A" * 20, "_" * 32):
        assert [each["id"] for each in read(gateway, since=ahead)["data"]] == [revoked]


def test_the_feed_is_for_the_gateway(gateway, signer):
    assert gateway.client.get(FEED).json["code"] == "assertion_missing"


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})
