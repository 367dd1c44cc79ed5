"""The Idempotency-Key header and the fingerprint of a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.idempotency_key import KeyMalformed, KeyMissing, fingerprint, parse_key

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255)


@given(PRINTABLE)
def test_any_printable_text_fits_into_a_quoted_key(text):
    quoted = text.replace("\\", r"\\").replace('"', r"\"")
    assert parse_key([f'"{quoted}"']) == text


@given(st.lists(st.text(max_size=300), max_size=3))
def test_a_header_is_a_key_or_is_refused(headers):
    try:
        key = parse_key(headers)
    except (KeyMissing, KeyMalformed):
        return
    assert len(headers) == 1
    assert 1 <= len(key) <= 255
    assert key.isascii() and key.isprintable()


def test_a_bare_key_is_the_same_as_a_quoted_one():
    assert parse_key(["8e03978e-40d5"]) == parse_key(['"8e03978e-40d5"']) == "8e03978e-40d5"


def test_without_a_header_the_key_is_missing():
    with pytest.raises(KeyMissing):
        parse_key([])


@pytest.mark.parametrize(
    "headers",
    [
        [""],
        [" "],
        ['""'],
        ["a" * 256],
        ["a" * 10_000],
        ['"' + "a" * 256 + '"'],
        ["a", "a"],
        ["a,b"],
        ['"a","b"'],
        ['"a'],
        ['a"'],
        ['"a\\b"'],
        ["a\tb"],
        ["a\x00b"],
        ["a\x7fb"],
        ["schlüssel"],
    ],
)
def test_a_malformed_key(headers):
    with pytest.raises(KeyMalformed):
        parse_key(headers)


def test_a_key_of_255_characters_fits():
    assert len(parse_key(["a" * 255])) == len(parse_key(['"' + '\\"' * 255 + '"'])) == 255


def test_the_order_of_members_does_not_change_a_request():
    assert fingerprint("POST", "/boxes", {"a": 1, "b": [1, 2]}) == fingerprint(
        "POST", "/boxes", {"b": [1, 2], "a": 1}
    )


@pytest.mark.parametrize(
    "other",
    [
        ("PUT", "/boxes", {"a": 1}),
        ("POST", "/boxes/2", {"a": 1}),
        ("POST", "/boxes", {"a": 2}),
        ("POST", "/boxes", {"a": "1"}),
        ("POST", "/boxes", {"a": 1, "b": None}),
        ("POST", "/boxes", None),
    ],
)
def test_another_request_has_another_fingerprint(other):
    assert fingerprint("POST", "/boxes", {"a": 1}) != fingerprint(*other)
