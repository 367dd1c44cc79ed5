"""Other issuers: the file that names them, where their keys are, and what their tokens may say."""

import json
import time
import uuid

import pytest
from foreign import NEW_KEY, ForeignIssuer
from issuing import AUDIENCE, ISSUER

from gateway.discovery import keys_of
from gateway.fetching import FetchFailed
from gateway.identity import TokenInvalid, Tokens
from gateway.issuers import IssuersError, load_issuers, ourselves
from gateway.keys import IssuerKeys, UnknownKey
from gateway.revocations import Revocations

NAME = "https://login.test/realms/shop"
GOOD = {"name": NAME, "audience": AUDIENCE, "algorithms": ["RS256", "PS256", "ES256", "EdDSA"]}
GOOD |= {"types": ["JWT"], "roles_claim": "realm_access.roles", "admin_role": "shop-admin"}


def written(folder, *entries, more=""):
    """Write a file of issuers; what JSON calls a value, TOML calls the same."""
    lines = [
        "\n".join(["[[issuer]]", *(f"{name} = {json.dumps(each)}" for name, each in entry.items())])
        for entry in entries
    ]
    file = folder / "issuers.toml"
    file.write_text("\n\n".join([more, *lines]))
    return str(file)


def changed(**changes):
    return {name: value for name, value in (GOOD | changes).items() if value is not None}


def tokens_of(folder, issuers, **changes):
    entries = [changed(name=each.name, **changes) for each in issuers]
    loaded = load_issuers(written(folder, *entries), ISSUER)
    revocations = Revocations(lambda target: b"", refresh_seconds=15)
    revocations.refresh(lambda ids: None)
    pairs = zip(loaded, issuers, strict=True)
    return Tokens(
        [
            (rules, IssuerKeys(each.jwks, rules.algorithms, refresh_seconds=300, cooldown_seconds=0))
            for rules, each in pairs
        ],
        revocations,
    )


@pytest.fixture(params=list(NEW_KEY))
def other(request):
    return ForeignIssuer(NAME, request.param)


def test_a_token_of_another_issuer_names_a_user_made_of_issuer_and_subject(tmp_path, other):
    caller = tokens_of(tmp_path, [other]).caller(other.bearer().encode())
    expected = uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, NAME), "ada")
    assert (caller.user_id, caller.roles) == (str(expected), ())


def test_another_issuer_speaks_for_our_users_only_where_that_is_configured(tmp_path):
    other, ours = ForeignIssuer(NAME, "ES256"), str(uuid.uuid4())
    bearer = other.bearer(sub=ours).encode()
    assert tokens_of(tmp_path, [other]).caller(bearer).user_id != ours
    as_users = tokens_of(tmp_path, [other], subjects="users")
    assert as_users.caller(bearer).user_id == ours
    with pytest.raises(TokenInvalid):
        as_users.caller(other.bearer(sub="ada").encode())


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["a", "shop-admin"]}}),
        ("roles", {"roles": ["shop-admin"]}),
        (["https://shop.test/roles"], {"https://shop.test/roles": ["shop-admin"]}),
    ],
)
def test_the_role_of_administrators_is_found_where_the_issuer_has_it(tmp_path, claim, claims):
    other = ForeignIssuer(NAME, "ES256")
    tokens = tokens_of(tmp_path, [other], roles_claim=claim)
    assert tokens.caller(other.bearer(**claims).encode()).roles == ("admin",)
    assert tokens.caller(other.bearer().encode()).roles == ()


def test_what_another_issuer_calls_admin_is_none(tmp_path):
    other = ForeignIssuer(NAME, "ES256")
    for changes in ({}, {"roles_claim": None, "admin_role": None}):
        tokens = tokens_of(tmp_path, [other], **changes)
        claims = {"roles": ["admin"], "realm_access": {"roles": ["admin"]}}
        assert tokens.caller(other.bearer(**claims).encode()).roles == ()


STRANGE = {
    "another audience": {"aud": "other"},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a long subject": {"sub": "a" * 256},
    "a subject that is a number": {"sub": 7},
    "half a character as a subject": {"sub": "\ud800"},
    "roles that are one": {"realm_access": {"roles": "shop-admin"}},
    "roles that are numbers": {"realm_access": {"roles": [1]}},
    "roles in a list": {"realm_access": [["shop-admin"]]},
    "an expiry after two days": {"exp": int(time.time()) + 2 * 86400},
    "our own type": {"headers": {"typ": "at+jwt"}},
    "no type": {"headers": {"typ": None}},
    "an instruction": {"headers": {"jku": "https://evil.test"}},
    "an unknown key": {"headers": {"kid": "none"}},
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_token_of_another_issuer_is_refused(tmp_path, name):
    other = ForeignIssuer(NAME, "ES256")
    with pytest.raises(TokenInvalid):
        tokens_of(tmp_path, [other]).caller(other.bearer(**STRANGE[name]).encode())


def test_a_thumbprint_of_the_key_does_no_harm(tmp_path):
    other = ForeignIssuer(NAME, "RS256")
    assert tokens_of(tmp_path, [other]).caller(other.bearer(headers={"x5t": "abc"}).encode())


def test_a_key_of_one_issuer_verifies_nothing_of_another(tmp_path):
    one, two = (ForeignIssuer(f"{NAME}/{each}", "ES256", kid=each) for each in ("one", "two"))
    tokens = tokens_of(tmp_path, [one, two])
    assert tokens.caller(one.bearer().encode()).user_id != tokens.caller(two.bearer().encode()).user_id
    for kid in ("one", "two"):
        with pytest.raises(TokenInvalid):
            tokens.caller(one.bearer(iss=two.name, headers={"kid": kid}).encode())


def test_an_algorithm_that_is_not_listed_is_refused(tmp_path, other):
    others = [each for each in GOOD["algorithms"] if each != other.algorithm]
    with pytest.raises(TokenInvalid):
        tokens_of(tmp_path, [other], algorithms=others).caller(other.bearer().encode())


def test_a_key_is_used_for_its_own_algorithm_alone():
    other = ForeignIssuer(NAME, "RS256")
    body = json.dumps({"keys": [other.jwk("key-1") | {"alg": "PS256"}]}).encode()
    keys = IssuerKeys(lambda: body, {"RS256", "PS256"}, refresh_seconds=300, cooldown_seconds=0)
    assert keys.find("key-1").algorithms == {"PS256"}


@pytest.mark.parametrize(
    "change", [{"crv": "P-384"}, {"x": "AAAA"}, {"kty": "oct", "k": "AA"}, {"alg": "ES384"}, {"d": "AA"}]
)
def test_a_key_of_another_kind_is_left_out(change):
    other = ForeignIssuer(NAME, "ES256")
    body = json.dumps({"keys": [other.jwk("key-1") | {"kid": "odd"} | change, other.jwk("key-1")]}).encode()
    keys = IssuerKeys(lambda: body, {"ES256"}, refresh_seconds=300, cooldown_seconds=0)
    assert keys.find("key-1")
    with pytest.raises(UnknownKey):
        keys.find("odd")


BAD = {
    "no name": ({"name": None}, "name is missing"),
    "no audience": ({"audience": None}, "audience is missing"),
    "no algorithms": ({"algorithms": None}, "algorithms is missing"),
    "an empty list": ({"algorithms": []}, "algorithms cannot be"),
    "a shared secret": ({"algorithms": ["RS256", "HS256"]}, "algorithms cannot be"),
    "none": ({"algorithms": ["none"]}, "algorithms cannot be"),
    "one algorithm without a list": ({"algorithms": "RS256"}, "algorithms cannot be"),
    "a name that is none": ({"name": "login.test"}, "name cannot be"),
    "a name with a fragment": ({"name": "https://login.test/#a"}, "name cannot be"),
    "our own name": ({"name": ISSUER}, "name is that of another issuer"),
    "keys in a file": ({"jwks_url": "file:///etc/keys"}, "jwks_url cannot be"),
    "an unknown setting": ({"leeway": 5}, "leeway is not known"),
    "no types": ({"types": []}, "types cannot be"),
    "an administrator nobody can find": ({"roles_claim": None}, "roles_claim and admin_role go together"),
    "a path with a hole": ({"roles_claim": "a..b"}, "roles_claim cannot be"),
    "other subjects": ({"subjects": "mine"}, "subjects cannot be"),
    "a life without end": ({"lifetime_max_seconds": 10**9}, "lifetime_max_seconds cannot be"),
    "a life that is true": ({"lifetime_max_seconds": True}, "lifetime_max_seconds cannot be"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_entry_is_refused_with_its_number(tmp_path, name):
    changes, fault = BAD[name]
    file = written(tmp_path, changed(name="https://good.test"), changed(**changes))
    with pytest.raises(IssuersError) as refused:
        load_issuers(file, ISSUER)
    assert any(line.startswith("issuer 2 (") and fault in line for line in refused.value.lines)


def test_an_issuer_comes_once(tmp_path):
    with pytest.raises(IssuersError, match="issuer 2"):
        load_issuers(written(tmp_path, GOOD, GOOD), ISSUER)


@pytest.mark.parametrize("text", ["", "[issuer]\n", "issuer = []", "issuer = [1]", "[[issuers]]\na = 1", "x"])
def test_a_file_of_something_else_is_refused(tmp_path, text):
    (tmp_path / "issuers.toml").write_text(text)
    with pytest.raises(IssuersError, match=r"issuers\.toml"):
        load_issuers(str(tmp_path / "issuers.toml"), ISSUER)


def test_without_a_file_there_are_none():
    assert load_issuers("", ISSUER) == []


@pytest.fixture
def rules(tmp_path):
    return load_issuers(written(tmp_path, GOOD), ISSUER)[0]


class Web:
    """Documents by address; counts who asks."""

    def __init__(self, documents):
        self.documents = documents
        self.asked = []

    def __call__(self, address):
        self.asked.append(address)
        if self.documents.get(address) is None:
            raise FetchFailed("down")
        return self.documents[address]


METADATA = f"{NAME}/.well-known/openid-configuration"


def test_keys_are_found_through_the_metadata_which_is_asked_once(rules):
    other = ForeignIssuer(NAME, "ES256")
    web = Web({METADATA: other.metadata(), f"{NAME}/keys": other.jwks()})
    get = keys_of(rules, web)
    assert get() == get() == other.jwks()
    assert web.asked == [METADATA, f"{NAME}/keys", f"{NAME}/keys"]


def test_keys_that_have_moved_are_found_again(rules):
    other = ForeignIssuer(NAME, "ES256")
    web = Web({METADATA: other.metadata(), f"{NAME}/keys": other.jwks()})
    get = keys_of(rules, web)
    get()
    web.documents = {METADATA: other.metadata(jwks_uri=f"{NAME}/new"), f"{NAME}/new": b"new"}
    with pytest.raises(FetchFailed):
        get()
    assert get() == b"new"


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.test"},
        {"issuer": NAME + "/"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": 7},
        {"jwks_uri": "file:///etc/keys"},
        {"jwks_uri": "http://login.test/keys"},
    ],
)
def test_metadata_that_does_not_fit_is_not_followed(rules, changes):
    web = Web({METADATA: ForeignIssuer(NAME, "ES256").metadata(**changes)})
    with pytest.raises(FetchFailed):
        keys_of(rules, web)()
    assert web.asked == [METADATA]


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"issuer": "a", "issuer": "a"}'])
def test_metadata_that_is_none_is_not_followed(rules, body):
    with pytest.raises(FetchFailed):
        keys_of(rules, Web({METADATA: body}))()


def test_our_own_tokens_are_read_as_ever():
    own = ourselves(ISSUER, AUDIENCE)
    assert (own.algorithms, own.types, own.hints, own.own) == ({"RS256"}, {"at+jwt"}, frozenset(), True)
