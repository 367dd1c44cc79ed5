"""A token that was revoked: refused soon, remembered or not, also while users is down."""

import json
import uuid

import jwt
import pytest
from serving import get, whole

from chassis.settings import SettingsError, load
from chassis.testing.keys import Keys
from gateway.settings import PREFIX, Settings

USER = "/api/v1/orders"


class Feed:
    """What users tells of revocations, and how it was asked."""

    def __init__(self):
        self.ids = []
        self.asked = []

    def __call__(self, wire, request):
        self.asked.append(request)
        begin = int(request.target.partition("since=")[2] or 0)
        rows = [{"kind": "user", "id": each, "expires_at": "2100-01-01T00:00:00Z"} for each in self.ids]
        page = {"data": rows[begin:], "next_cursor": str(len(rows)), "more": False}
        wire.send(whole(body=json.dumps(page).encode()))


@pytest.fixture
def feed():
    return Feed()


@pytest.fixture
def gateway(start_gateway, users, orders, issuer, feed):
    users.reset()
    orders.reset()
    users.answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    users.feed = feed
    return start_gateway(revocations_refresh_seconds=0.1)


def answered(gateway, token):
    reply = gateway.ask(get(USER, f"Authorization: {token}"))
    return reply.status if reply.status == 200 else (reply.status, reply.problem["code"])


@pytest.mark.parametrize("claim", ["sub", "sid"])
def test_a_token_in_use_is_refused_once_its_user_or_session_is_revoked(gateway, issuer, feed, until, claim):
    ids = [str(uuid.uuid4()) for _ in range(2)]
    revoked, other = (issuer.bearer(**{claim: each}) for each in ids)
    assert answered(gateway, revoked) == answered(gateway, other) == 200
    feed.ids.append(ids[0])
    until(lambda: answered(gateway, revoked) == (401, "token_revoked"))
    assert answered(gateway, other) == 200


def test_a_revoked_token_never_reaches_a_service(gateway, issuer, feed, orders, until):
    user_id = str(uuid.uuid4())
    feed.ids.append(user_id)
    seen = len(feed.asked)
    until(lambda: len(feed.asked) > seen + 1)
    assert answered(gateway, issuer.bearer(sub=user_id)) == (401, "token_revoked")
    assert not orders.requests


def test_it_stays_refused_while_users_is_down(gateway, issuer, feed, users, until):
    user_id = str(uuid.uuid4())
    bearer, another = issuer.bearer(sub=user_id), issuer.bearer(sub=user_id)
    assert answered(gateway, bearer) == 200
    feed.ids.append(user_id)
    until(lambda: answered(gateway, bearer) == (401, "token_revoked"))
    users.feed = lambda wire, request: wire.close()
    until(lambda: [line for line in gateway.lines() if line["message"].startswith("revocations not read")])
    assert answered(gateway, bearer) == answered(gateway, another) == (401, "token_revoked")
    users.feed = feed
    until(lambda: [line for line in gateway.lines() if line["message"] == "revocations are read again"])


def test_a_gateway_that_has_just_begun_refuses_what_was_revoked_before(start_gateway, users, issuer, feed):
    users.reset()
    users.answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    users.feed = feed
    user_id = str(uuid.uuid4())
    feed.ids.append(user_id)
    assert answered(start_gateway(), issuer.bearer(sub=user_id)) == (401, "token_revoked")


def test_users_is_asked_by_the_gateway_itself(gateway, feed, until):
    until(lambda: feed.asked)
    claims = jwt.decode(
        feed.asked[0]["authorization"].removeprefix("Bearer "), options={"verify_signature": False}
    )
    assert (claims["iss"], claims["aud"], "sub" in claims, "roles" in claims) == (
        "gateway",
        "users",
        False,
        False,
    )


def test_the_age_of_the_feed_is_a_metric(gateway, until):
    name = "gateway_revocations_read_timestamp_seconds"

    def read_at():
        lines = gateway.page("/metrics").body.decode().splitlines()
        [line] = [line for line in lines if line.startswith(name)]
        return float(line.split()[-1])

    until(lambda: read_at() > 0)
    first = read_at()
    until(lambda: read_at() > first)


@pytest.mark.parametrize("seconds", ["51", "0", "x"])
def test_a_refresh_that_could_come_too_late_is_refused_at_start(seconds, tmp_path):
    keys = Keys(tmp_path, "gateway")
    environment = {f"GATEWAY_{name}_URL": "http://a:1" for name in ("USERS", "ORDERS", "PAYMENTS")}
    environment |= {
        "GATEWAY_TOKEN_ISSUER": "a",
        "GATEWAY_SIGNING_KEY_FILE": str(keys.signing_key_file("gateway")),
        "GATEWAY_TRUST_BUNDLE_FILE": str(keys.trust_bundle_file),
    }
    assert load(Settings, PREFIX, environment)
    with pytest.raises(SettingsError, match="GATEWAY_REVOCATIONS_REFRESH_SECONDS"):
        load(Settings, PREFIX, environment | {"GATEWAY_REVOCATIONS_REFRESH_SECONDS": seconds})
