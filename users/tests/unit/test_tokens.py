import json
import subprocess
import sys

import jwt
import pytest

from chassis.clock import utc_now
from chassis.ids import new_id
from users.domain import CLIENTS, Role, User
from users.keys import new_private_key
from users.tokens import AccessTokens, private_key, read_private_keys


def user(role: Role = Role.CUSTOMER) -> User:
    return User(
        id=new_id(),
        email="ada@example.com",
        name="Ada",
        role=role,
        password_hash="canary",
        created_at=utc_now(),
    )


@pytest.fixture(scope="module")
def keys():
    return [private_key(new_private_key()) for _ in range(2)]


@pytest.fixture
def tokens(keys):
    return AccessTokens(keys, issuer="https://shop.example", audience="souk", lifetime_seconds=600)


def verified(token: str, tokens: AccessTokens) -> dict:
    kid = jwt.get_unverified_header(token)["kid"]
    key = jwt.PyJWKSet.from_dict(tokens.public_keys)[kid]
    return jwt.decode(token, key, algorithms=["RS256"], audience="souk", issuer="https://shop.example")


def test_a_token_says_who_signed_in_where_and_for_how_long(tokens):
    ada, session_id = user(), new_id()
    claims = verified(tokens.sign(ada, session_id, CLIENTS["mobile"], utc_now()), tokens)
    assert (claims["sub"], claims["client_id"], claims["roles"]) == (str(ada.id), "mobile", [])
    assert claims["sid"] == str(session_id)
    assert claims["exp"] - claims["iat"] == 600


def test_an_administrators_token_says_so(tokens):
    assert verified(tokens.sign(user(Role.ADMIN), new_id(), CLIENTS["web"], utc_now()), tokens)["roles"] == [
        "admin"
    ]


def test_no_two_tokens_are_the_same(tokens):
    ada = user()
    session_id = new_id()
    first, second = (tokens.sign(ada, session_id, CLIENTS["web"], utc_now()) for _ in range(2))
    assert first != second


def test_the_first_key_signs_access_tokens_of_rfc_9068(tokens, keys):
    header = jwt.get_unverified_header(tokens.sign(user(), new_id(), CLIENTS["web"], utc_now()))
    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": keys[0].key_id}


def test_all_keys_are_published_and_no_private_part_of_them(tokens, keys):
    published = tokens.public_keys["keys"]
    assert [key["kid"] for key in published] == [key.key_id for key in keys]
    assert all(set(key) == {"kty", "use", "alg", "kid", "n", "e"} for key in published)


def test_the_command_prints_keys_that_sign(tmp_path):
    command = [sys.executable, "-m", "users.keys"]
    printed = subprocess.run(command, env={}, capture_output=True, check=True, text=True).stdout
    file = tmp_path / "keys.json"
    file.write_text(printed)
    tokens = AccessTokens(
        read_private_keys(file), issuer="https://shop.example", audience="souk", lifetime_seconds=60
    )
    assert verified(tokens.sign(user(), new_id(), CLIENTS["web"], utc_now()), tokens)["aud"] == "souk"
    assert json.loads(printed)["keys"][0]["kid"]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "RSA"}]}', '{"keys": 1}', "[]"]
)
def test_a_file_without_usable_keys_is_refused_by_its_name(tmp_path, text):
    file = tmp_path / "keys.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=file.stem):
        read_private_keys(file)
