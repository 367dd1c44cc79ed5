"""Whatever a key has signed is read or refused: hypothesis makes headers and claims that are nearly good."""

import base64
import json

import jwt
from hypothesis import given, settings
from hypothesis import strategies as st
from issuing import AUDIENCE, ISSUER, Issuer

from gateway.identity import Caller, NotSignedIn, Tokens
from gateway.issuers import ourselves
from gateway.keys import IssuerKeys
from gateway.revocations import Revocations

ISSUED = Issuer()
RS256 = jwt.get_algorithm_by_name("RS256")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def tokens():
    revocations = Revocations(lambda target: b"", refresh_seconds=15)
    revocations.refresh(lambda ids: None)
    keys = IssuerKeys(ISSUED.jwks, {"RS256"}, refresh_seconds=300, cooldown_seconds=1000)
    return Tokens([(ourselves(ISSUER, AUDIENCE), keys)], revocations)


TOKENS = tokens()


def answer_to(authorization):
    try:
        return TOKENS.caller(authorization)
    except NotSignedIn:
        return None


def signed(header, claims):
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, claims)]
    signature = base64.urlsafe_b64encode(RS256.sign(b".".join(parts), ISSUED.key)).rstrip(b"=")
    return b"Bearer " + b".".join([*parts, signature])


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "roles", "sid", "jti"]), value=JSON)
def test_a_claim_of_any_kind_is_read_or_refused(name, value):
    good = ISSUED.claims()
    caller = answer_to(signed({"alg": "RS256", **ISSUED.headers()}, good | {name: value}))
    assert caller is None or (isinstance(caller, Caller) and caller.user_id == (good | {name: value})["sub"])
    if name in ("iss", "aud", "sub", "exp") and value not in (ISSUER, AUDIENCE, [AUDIENCE]):
        assert caller is None


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(["alg", "typ", "kid", "crit", "jwk", "b64"]) | st.text(max_size=6), value=JSON)
def test_a_header_of_any_other_kind_is_refused(name, value):
    good = {"alg": "RS256", **ISSUED.headers()}
    assert answer_to(signed(good | {name: value}, ISSUED.claims())) is None


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(max_size=80).map(lambda text: b"Bearer " + text.encode("utf-8", "replace"))
)
def test_what_is_no_token_is_refused(authorization):
    assert answer_to(authorization) is None


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_good_token_with_anything_put_into_it_is_refused(data):
    good = ISSUED.bearer().encode()
    begin = data.draw(st.integers(7, len(good)))
    end = data.draw(st.integers(begin, min(begin + 3, len(good))))
    put = data.draw(
        st.binary(min_size=1, max_size=4).filter(lambda raw: raw != good[begin:end] and raw.strip(b" \t"))
    )
    assert answer_to(good[:begin] + put + good[end:]) is None
