"""The issuer's keys: fetched when needed, never too often, kept while the issuer is down."""

import json
import threading

import pytest
from issuing import Issuer

from gateway.keys import FetchFailed, IssuerKeys, KeysUnavailable, UnknownKey

OTHER_PURPOSES = [
    {"use": "enc"},
    {"alg": "RS512"},
    {"alg": "none"},
    {"kty": "oct", "k": "AAAA"},
    {"kid": 1},
    {"n": "AQAB"},
    {"d": "AQ"},
]


class Source:
    """An issuer's address: counts who asks, and can be down."""

    def __init__(self, issuer):
        self.issuer = issuer
        self.asked = 0
        self.answer = None
        self.down = False

    def __call__(self):
        self.asked += 1
        if self.down:
            raise FetchFailed("down")
        return self.issuer.jwks() if self.answer is None else self.answer


@pytest.fixture
def source():
    return Source(Issuer())


@pytest.fixture
def clock():
    return [1000.0]


@pytest.fixture
def keys(source, clock):
    return IssuerKeys(source, {"RS256"}, refresh_seconds=300, cooldown_seconds=5, monotonic=lambda: clock[0])


def test_the_first_token_fetches_the_keys(keys, source):
    assert keys.find("key-1")
    assert keys.find("key-1")
    assert source.asked == 1


def test_a_new_key_is_fetched_at_once(keys, source, clock):
    keys.find("key-1")
    source.issuer.rotate()
    clock[0] += 6
    assert keys.find("key-2") and keys.find("key-1")
    assert source.asked == 2


def test_unknown_keys_do_not_make_it_fetch_again_and_again(keys, source, clock):
    for number in range(100):
        with pytest.raises(UnknownKey):
            keys.find(f"unknown-{number}")
    assert source.asked == 1
    clock[0] += 6
    with pytest.raises(UnknownKey):
        keys.find("unknown")
    assert source.asked == 2


def test_a_kid_without_end_makes_it_fetch_nothing(keys, source):
    keys.find("key-1")
    with pytest.raises(UnknownKey):
        keys.find("k" * 1000)
    assert source.asked == 1


def test_the_old_keys_serve_while_the_issuer_is_down(keys, source, clock):
    keys.find("key-1")
    source.down = True
    clock[0] += 6
    assert not keys.refresh()
    assert keys.find("key-1")
    with pytest.raises(UnknownKey):
        keys.find("key-2")


def test_without_any_key_it_says_that_it_cannot_tell(keys, source):
    source.down = True
    with pytest.raises(KeysUnavailable):
        keys.find("key-1")


def test_a_withdrawn_key_is_forgotten(keys, source):
    keys.find("key-1")
    source.answer = json.dumps({"keys": [Issuer().jwk("key-1") | {"kid": "other"}]})
    keys.refresh()
    with pytest.raises(UnknownKey):
        keys.find("key-1")


def test_many_at_once_fetch_once(keys, source):
    threads = [threading.Thread(target=keys.find, args=("key-1",)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.asked == 1


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": [1]}', b'{"keys": []}', b"<html>"]
)
def test_what_is_no_key_set_changes_nothing(keys, source, answer):
    keys.find("key-1")
    source.answer = answer
    assert not keys.refresh()
    assert keys.find("key-1")


@pytest.mark.parametrize("change", OTHER_PURPOSES)
def test_a_key_for_another_purpose_is_left_out(keys, source, change):
    good, other = source.issuer.jwk("key-1"), source.issuer.jwk("key-1") | {"kid": "key-2"} | change
    source.answer = json.dumps({"keys": [other, good]})
    assert keys.find("key-1")
    with pytest.raises(UnknownKey):
        keys.find("key-2")
