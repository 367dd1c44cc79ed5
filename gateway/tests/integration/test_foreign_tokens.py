"""Tokens of other issuers through the gateway: who they are to a service, and when their issuer is down."""

import json
import os
import subprocess
import sys
import uuid

import jwt
import pytest
from foreign import ForeignIssuer
from serving import SERVICE, Service, get, whole

USER, ADMIN = "/api/v1/orders", "/api/v1/users"


@pytest.fixture
def elsewhere():
    service = Service()
    yield service
    service.stop()


@pytest.fixture
def other(elsewhere):
    issuer = ForeignIssuer(f"{elsewhere.url}/realms/shop", "ES256")
    elsewhere.answer = issuer.answer
    return issuer


@pytest.fixture
def gateway(start_gateway, users, orders, issuer, other, tmp_path):
    users.reset()
    orders.reset()
    users.answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    file = tmp_path / "issuers.toml"
    file.write_text(
        f"""
        [[issuer]]
        name = "{other.name}"
        audience = "souk"
        algorithms = ["ES256"]
        types = ["JWT"]
        roles_claim = "realm_access.roles"
        admin_role = "shop-admin"
        """
    )
    return start_gateway(issuers_file=file, jwks_cooldown_seconds=0.1, jwks_refresh_seconds=1)


def status(gateway, bearer, path=USER):
    return gateway.ask(get(path, f"Authorization: {bearer}")).status


def test_a_service_is_told_a_user_of_ours_and_of_no_other_issuer(gateway, other, orders, issuer):
    told = json.loads(gateway.ask(get(USER, f"Authorization: {other.bearer()}")).body)
    assertion = dict(told["fields"])["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(assertion, options={"verify_signature": False})
    assert claims["sub"] == str(uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, other.name), "ada"))
    assert "roles" not in claims
    assert status(gateway, issuer.bearer()) == 200


def test_its_administrators_are_those_it_calls_so(gateway, other, users):
    users.answer = None
    assert status(gateway, other.bearer(), ADMIN) == 403
    assert status(gateway, other.bearer(roles=["admin"]), ADMIN) == 403
    assert status(gateway, other.bearer(realm_access={"roles": ["shop-admin"]}), ADMIN) == 200


def test_an_issuer_that_is_down_keeps_its_keys_and_nobody_else_waits(
    gateway, other, elsewhere, issuer, until
):
    assert status(gateway, other.bearer()) == 200
    elsewhere.answer = lambda wire, request: wire.send(whole(500))
    assert status(gateway, other.bearer()) == 200
    other.rotate("key-2")
    assert status(gateway, other.bearer()) == 401
    assert status(gateway, issuer.bearer()) == 200
    elsewhere.answer = other.answer
    until(lambda: status(gateway, other.bearer()) == 200)


def test_an_entry_that_cannot_be_used_is_told_and_nothing_starts(tmp_path, gateway):
    file = tmp_path / "bad.toml"
    file.write_text('[[issuer]]\nname = "https://a.test"\naudience = "souk"\nalgorithms = ["HS256"]\n')
    environment = os.environ | {
        f"GATEWAY_{name}": value
        for name, value in {
            "ISSUERS_FILE": str(file),
            "TOKEN_ISSUER": "https://souk.test",
            "SIGNING_KEY_FILE": str(gateway.key),
            "TRUST_BUNDLE_FILE": str(gateway.bundle),
            **dict.fromkeys(("USERS_URL", "ORDERS_URL", "PAYMENTS_URL"), "http://127.0.0.1:1"),
        }.items()
    }
    command = [sys.executable, "-c", "import gateway.wsgi"]
    ended = subprocess.run(command, cwd=SERVICE, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 78
    assert "issuer 1 (https://a.test): algorithms cannot be ['HS256']" in ended.stdout + ended.stderr
