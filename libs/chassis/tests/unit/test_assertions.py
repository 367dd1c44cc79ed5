import base64
import json
import os

import jwt
import pytest

from chassis.assertions import TYPE, Signer, Verifier, generate_key
from chassis.errors import Unauthenticated
from chassis.trust import TrustBundle

USER = "0193b0c0-0000-7000-8000-000000000001"
NOW = 1_800_000_000.0


class Clock:
    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def keys():
    return {issuer: generate_key(issuer) for issuer in ("gateway", "payments")}


@pytest.fixture
def verifier(keys, clock):
    return Verifier(TrustBundle({"keys": [public for _, public in keys.values()]}), "orders", now=clock)


@pytest.fixture
def gateway(keys, clock):
    return Signer(keys["gateway"][0], "gateway", now=clock)


def forge(keys, *, header=None, issuer="gateway", key=None, algorithm="EdDSA", **claims):
    private = keys[issuer][0]
    payload = {"iss": issuer, "aud": "orders", "sub": USER, "iat": int(NOW), "exp": int(NOW) + 60} | claims
    payload = {name: value for name, value in payload.items() if value is not None}
    key = key if key is not None else jwt.PyJWK(private, algorithm="EdDSA").key
    return jwt.encode(
        payload, key, algorithm=algorithm, headers={"typ": TYPE, "kid": private["kid"]} | (header or {})
    )


def test_what_the_gateway_signs_the_service_reads(gateway, verifier):
    read = verifier.verify(gateway.sign("orders", USER, {"roles": ["admin"], "plan": "x"}))
    assert (read.issuer, read.subject, str(read.user_id), read.actor) == ("gateway", USER, USER, None)
    assert read.roles == {"admin"}
    assert read.claims == {"plan": "x"}
    assert read.expires_at == NOW + 60


def test_an_anonymous_caller_has_no_subject(gateway, verifier):
    read = verifier.verify(gateway.sign("orders", None))
    assert read.subject is None
    assert read.user_id is None


def test_a_service_acts_for_a_user(keys, clock, verifier):
    read = verifier.verify(
        Signer(keys["payments"][0], "payments", now=clock).sign("orders", USER, actor="payments")
    )
    assert (read.issuer, read.subject, read.actor) == ("payments", USER, "payments")


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "users"},
        {"aud": ["orders", "users"]},
        {"aud": None},
        {"iss": "payments"},
        {"iss": None},
        {"exp": int(NOW) - 6},
        {"exp": int(NOW) + 61},
        {"exp": None},
        {"exp": NOW + 30.5},
        {"exp": "soon"},
        {"exp": 2**80},
        {"iat": int(NOW) + 20, "exp": int(NOW) + 70},
        {"iat": None},
        {"iat": True},
        {"nbf": int(NOW) + 10**9},
        {"sub": "admin"},
        {"sub": 7},
        {"roles": "admin"},
        {"roles": [1]},
        {"roles": {"admin": 1}},
        {"act": "payments"},
        {"act": {"sub": 1}},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": "at+jwt"}},
        {"header": {"kid": "unknown"}},
        {"header": {"crit": ["x"], "x": 1}},
    ],
)
def test_whatever_is_not_as_agreed_is_refused(keys, verifier, wrong):
    with pytest.raises(Unauthenticated):
        verifier.verify(forge(keys, **wrong))


def test_one_issuer_cannot_speak_for_another(keys, verifier):
    token = forge(keys, issuer="payments", iss="gateway")
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def test_no_other_algorithm_is_believed(keys, verifier):
    public = keys["gateway"][1]
    raw = base64.urlsafe_b64decode(public["x"] + "=").ljust(32, b"\0")
    for token in (forge(keys, key=raw, algorithm="HS256"), forge(keys, key="", algorithm="none")):
        with pytest.raises(Unauthenticated):
            verifier.verify(token)


def test_a_changed_character_anywhere_is_refused(gateway, verifier):
    token = gateway.sign("orders", USER)
    for at in range(0, len(token) - 2, 7):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        with pytest.raises(Unauthenticated):
            verifier.verify(changed)


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "é.é.é", "\ud800", "a" * 100_000, "eyJ" + "[" * 5000]
)
def test_what_is_no_token_is_refused(verifier, token):
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def test_a_header_nested_without_end_is_refused(verifier):
    header = base64.urlsafe_b64encode(b"[" * 3000).decode().rstrip("=")
    with pytest.raises(Unauthenticated):
        verifier.verify(f"{header}.e30.AA")


def test_a_verified_assertion_still_expires(gateway, verifier, clock):
    token = gateway.sign("orders", USER)
    assert verifier.verify(token) is verifier.verify(token)
    clock.now += 64
    verifier.verify(token)
    clock.now += 1
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def test_an_assertion_is_signed_again_before_it_is_stale(gateway, clock):
    first = gateway.sign("orders", USER)
    clock.now += 44
    assert gateway.sign("orders", USER) == first
    assert gateway.sign("orders", USER, {"roles": ["admin"]}) != first
    clock.now += 1
    assert gateway.sign("orders", USER) != first


def test_no_assertion_is_made_for_longer_than_a_minute(gateway, verifier):
    assert verifier.verify(gateway.sign("orders", USER, lifetime_seconds=3600)).expires_at == NOW + 60


def test_claims_cannot_replace_who_signs(gateway, verifier):
    read = verifier.verify(gateway.sign("orders", None, {"iss": "payments", "exp": 2**40}))
    assert (read.issuer, read.expires_at) == ("gateway", NOW + 60)


def test_a_bundle_follows_its_file_and_a_withdrawn_key_vouches_for_nobody(tmp_path, keys, clock):
    path = tmp_path / "trust.json"
    monotonic = Clock(100.0)
    path.write_text(json.dumps({"keys": [keys["gateway"][1]]}))
    verifier = Verifier(TrustBundle(path=path, monotonic=monotonic), "orders", now=clock)
    token = Signer(keys["gateway"][0], "gateway", now=clock).sign("orders", USER)
    verifier.verify(token)

    path.write_text('{"keys": [')
    monotonic.now += 2
    verifier.verify(token)

    path.write_text(json.dumps({"keys": [keys["payments"][1]]}))
    os.utime(path, ns=(1, 1))
    verifier.verify(token)
    monotonic.now += 2
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


@pytest.mark.parametrize(
    "jwks",
    [{}, {"keys": [{}]}, {"keys": 7}, [], {"keys": [{"kid": "a", "iss": "b", "kty": "oct", "k": "AA"}]}],
)
def test_what_is_no_trust_bundle_is_not_read(jwks):
    with pytest.raises(ValueError, match="trust bundle"):
        TrustBundle(jwks)


def test_a_private_key_has_no_place_in_a_trust_bundle(keys):
    with pytest.raises(ValueError, match="public"):
        TrustBundle({"keys": [{**keys["gateway"][0], "iss": "gateway"}]})
