"""Access tokens: good ones, and those that come from elsewhere or were bent."""

import base64
import hashlib
import hmac
import json
import time
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from issuing import AUDIENCE, ISSUER

from gateway.identity import TokenExpired, TokenInvalid, TokenRevoked, Tokens
from gateway.issuers import ourselves
from gateway.keys import IssuerKeys, PublicKey
from gateway.revocations import Revocations

NOW = int(time.time())
OURS = ourselves(ISSUER, AUDIENCE)

NO_BEARER = [
    "",
    "Bearer",
    "Bearer ",
    "Basic dXNlcjpwYXNz",
    "token a.b.c",
    "Bearer a b",
    "Bearer a.b.c.d",
    "Bearer a.b.c, Bearer d.e.f",
    "Bearer \xe9.b.c",
    f"Bearer {'a' * 5000}.b.c",
]


def tokens_of(issuer, **options):
    keys = IssuerKeys(issuer.jwks, {"RS256"}, refresh_seconds=300, cooldown_seconds=0)
    return Tokens([(OURS, keys)], revocations(), **options)


def revocations(*ids):
    """Return what is known once these were revoked."""
    rows = [{"kind": "user", "id": each, "expires_at": "2100-01-01T00:00:00Z"} for each in ids]
    page = json.dumps({"data": rows, "next_cursor": "", "more": False}).encode()
    read = Revocations(lambda target: page, refresh_seconds=15)
    read.refresh(lambda ids: None)
    return read


@pytest.fixture(scope="module")
def tokens(issuer):
    found = tokens_of(issuer)
    found.caller(issuer.bearer().encode())  # it has the keys, whichever test comes first
    return found


def test_a_good_token_names_its_user(tokens, issuer):
    user_id = str(uuid.uuid4())
    caller = tokens.caller(issuer.bearer(sub=user_id, roles=["admin"]).encode())
    assert (caller.user_id, caller.roles) == (user_id, ("admin",))


@pytest.mark.parametrize("spelling", ["bearer", "BEARER", "Bearer "])
def test_the_scheme_may_be_spelt_in_any_case(tokens, issuer, spelling):
    assert tokens.caller(f"{spelling} {issuer.token()}".encode())


def test_a_token_may_have_several_audiences(tokens, issuer):
    assert tokens.caller(issuer.bearer(aud=["other", AUDIENCE]).encode())


STRANGE_CLAIMS = {
    "another issuer": {"iss": "https://evil.test"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "other"},
    "no audience": {"aud": None},
    "other audiences": {"aud": ["a", "b"]},
    "no expiry": {"exp": None},
    "an expiry that is no number": {"exp": "tomorrow"},
    "an expiry in a text": {"exp": str(NOW + 600)},
    "an expiry that is true": {"exp": True},
    "an expiry with a fraction": {"exp": NOW + 600.5},
    "an expiry years ahead": {"exp": NOW + 10**8},
    "a huge expiry": {"exp": 10**400},
    "a negative nbf in a text": {"nbf": "-1"},
    "not valid yet": {"nbf": NOW + 36000},
    "nbf that is no number": {"nbf": "x"},
    "issued in the future": {"iat": NOW + 36000},
    "no subject": {"sub": None},
    "a subject that is no user": {"sub": "admin"},
    "a subject with a line break": {"sub": f"{uuid.uuid4()}\n"},
    "a subject in upper case": {"sub": str(uuid.uuid4()).upper().replace("-", "A-", 1)},
    "roles in a text": {"roles": "admin"},
    "roles that are no names": {"roles": [1]},
    "roles in an object": {"roles": {"admin": True}},
    "a session that is a number": {"sid": 7},
    "sessions": {"sid": ["a"]},
}


@pytest.mark.parametrize("name", STRANGE_CLAIMS)
def test_strange_claims_are_refused(tokens, issuer, name):
    claims = STRANGE_CLAIMS[name]
    payload = json.dumps(issuer.claims(**claims)).encode()
    token = jwt.PyJWS().encode(payload, issuer.key, algorithm="RS256", headers=issuer.headers())
    with pytest.raises(TokenInvalid):
        tokens.caller(f"Bearer {token}".encode())


def test_an_expired_token_says_so(tokens, issuer):
    with pytest.raises(TokenExpired):
        tokens.caller(issuer.bearer(exp=NOW - 60).encode())


STRANGE_HEADERS = {
    "no kid": {"kid": None},
    "an unknown kid": {"kid": "other"},
    "a kid that is a path": {"kid": "../../dev/null"},
    "a kid that is a query": {"kid": "x' UNION SELECT 'y"},
    "a kid without end": {"kid": "k" * 1000},
    "no typ": {"typ": None},
    "an id token's typ": {"typ": "JWT"},
    "an assertion's typ": {"typ": "souk-assertion+jwt"},
    "jku": {"jku": "https://evil.test/jwks.json"},
    "x5u": {"x5u": "https://evil.test/cert.pem"},
    "jwk": {"jwk": {"kty": "RSA"}},
    "x5c": {"x5c": ["MII"]},
    "crit": {"crit": ["exp"]},
    "cty": {"cty": "JWT"},
    "zip": {"zip": "DEF"},
}


@pytest.mark.parametrize("name", STRANGE_HEADERS)
def test_strange_headers_are_refused(tokens, issuer, name):
    wanted = {**issuer.headers(**STRANGE_HEADERS[name]), "alg": "RS256"}
    signed = f"{_encode(wanted)}.{_encode(issuer.claims())}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        signed.encode(), issuer.key
    )
    with pytest.raises(TokenInvalid):
        tokens.caller(f"Bearer {signed}.{_base64url(signature)}".encode())


def test_a_refusal_does_not_repeat_the_kid(tokens, issuer):
    with pytest.raises(TokenInvalid) as refusal:
        tokens.caller(issuer.bearer(headers={"kid": "stranger" * 300}).encode())
    assert "stranger" not in repr(refusal.value.__cause__) + refusal.value.detail


def test_no_other_algorithm_is_believed(tokens, issuer):
    public = issuer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = {"alg": "HS256", **issuer.headers()}
    signed = f"{_encode(header)}.{_encode(issuer.claims())}"
    confused = f"{signed}.{_base64url(hmac.digest(public, signed.encode(), hashlib.sha256))}"
    unsigned = f"{_encode({'alg': 'none', **issuer.headers()})}.{_encode(issuer.claims())}"
    others = [
        confused,
        f"{unsigned}.",
        f"{unsigned}.AA",
        issuer.token(algorithm="RS512"),
        issuer.token(algorithm="PS256"),
        issuer.token(algorithm="HS256", key="a secret of thirty-two characters"),
        issuer.token(algorithm="ES256", key=ec.generate_private_key(ec.SECP256R1())),
        issuer.token(key=rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    ]
    for token in others:
        with pytest.raises(TokenInvalid):
            tokens.caller(f"Bearer {token}".encode())


def test_no_part_can_be_changed_or_spelt_in_another_way(tokens, issuer):
    token = issuer.token()
    header, payload, signature = token.split(".")
    bent = [
        f"{header}.{_encode(issuer.claims(roles=['admin']))}.{signature}",
        f"{header}.{payload}.{signature[:-4]}",
        f"{header}.{payload}.{signature}=",
        f"{header}.{payload}.{signature}\n",
        f"{header}.{payload}.{_other_spelling(signature)}",
        f"{header}..{signature}",
        f"{header}.{payload}",
        f"{token}.{signature}",
        f"{header[:5]}*{header[5:]}.{payload}.{signature}",
        token.replace(".", ". ", 1),
    ]
    for each in bent:
        with pytest.raises(TokenInvalid):
            tokens.caller(f"Bearer {each}".encode())


@pytest.mark.parametrize(
    "payload",
    [
        b'{"sub":"a","sub":"b"}',
        b"[]",
        b"null",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b'{"exp":NaN}',
        b'{"exp":Infinity}',
        b'{"exp":1e999}',
        b"[" * 2000,
        b"",
    ],
)
def test_what_is_signed_must_be_a_plain_object(tokens, issuer, payload):
    token = jwt.PyJWS().encode(payload, issuer.key, algorithm="RS256", headers=issuer.headers())
    with pytest.raises(TokenInvalid):
        tokens.caller(f"Bearer {token}".encode())


@pytest.mark.parametrize("authorization", NO_BEARER)
def test_what_is_no_bearer_token_is_refused(tokens, authorization):
    with pytest.raises(TokenInvalid):
        tokens.caller(authorization.encode("latin-1"))


def test_a_verified_token_is_looked_at_anew_after_a_while(issuer):
    clock = [float(NOW)]
    asked = []

    class Keys:
        def find(self, kid):
            asked.append(kid)
            return PublicKey(issuer.key.public_key(), {"RS256"})

    tokens = Tokens([(OURS, Keys())], revocations(), now=lambda: clock[0])
    bearer = issuer.bearer(iat=NOW, exp=NOW + 100).encode()
    for seconds in (0, 30, 59, 61, 90):
        clock[0] = NOW + seconds
        tokens.caller(bearer)
    assert len(asked) == 2
    clock[0] = NOW + 106
    with pytest.raises(TokenExpired):
        tokens.caller(bearer)


@pytest.mark.parametrize("claim", ["sub", "sid"])
def test_a_revoked_token_is_refused(issuer, claim):
    keys = IssuerKeys(issuer.jwks, {"RS256"}, refresh_seconds=300, cooldown_seconds=0)
    revoked = str(uuid.uuid4())
    tokens = Tokens([(OURS, keys)], revocations(revoked))
    assert tokens.caller(issuer.bearer(sid=str(uuid.uuid4())).encode())
    with pytest.raises(TokenRevoked):
        tokens.caller(issuer.bearer(**{claim: revoked}).encode())


@pytest.mark.parametrize("claim", ["sub", "sid"])
def test_of_what_is_remembered_the_revoked_is_looked_at_anew(tokens, issuer, claim):
    revoked = str(uuid.uuid4())
    before = len(tokens)
    tokens.caller(issuer.bearer(sid=str(uuid.uuid4())).encode())
    tokens.caller(issuer.bearer(**{claim: revoked}).encode())
    tokens.forget({revoked})
    assert len(tokens) == before + 1


def test_the_memory_of_verified_tokens_is_bounded(issuer):
    tokens = tokens_of(issuer, remembered=3)
    for _ in range(10):
        tokens.caller(issuer.bearer().encode())
    assert len(tokens) == 3


def _base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _encode(value):
    return _base64url(json.dumps(value).encode())


def _other_spelling(part):
    """Return other characters for the same bytes: the last one has bits that are not used."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return part[:-1] + alphabet[alphabet.index(part[-1]) ^ 1]
