from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chassis.ids import new_id
from users.domain import CLIENTS, RefreshToken, Session

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LIFETIME = timedelta(days=30)


def begun(token: RefreshToken) -> Session:
    return Session.begin(token, new_id(), CLIENTS["web"], NOW, LIFETIME)


def tokens(count: int) -> list[RefreshToken]:
    session_id = new_id()
    return [RefreshToken.new(session_id) for _ in range(count)]


def test_a_refresh_token_reads_back_from_its_text():
    token = RefreshToken.new(new_id())
    assert RefreshToken.parse(token.text) == token


@pytest.mark.parametrize(
    "text", ["", "x" * 63, "x" * 65, "x" * 62 + "==", "é" * 64, "+" * 64, "x" * 63 + "\n"]
)
def test_other_text_is_no_refresh_token(text):
    assert RefreshToken.parse(text) is None


def test_a_token_does_not_show_its_secret_and_a_session_not_its_hashes():
    token = RefreshToken(UUID(int=1), b"canary")
    assert "canary" not in repr(token)
    assert repr(token.hash) not in repr(begun(token))


def test_the_usable_token_is_exchanged_and_the_session_lives_longer():
    first, second = tokens(2)
    later = NOW + timedelta(days=3)
    rotated = begun(first).rotated(first, second, later, LIFETIME)
    assert rotated.token_hash == second.hash
    assert rotated.expires_at == later + LIFETIME


def test_a_token_that_was_exchanged_before_ends_the_session():
    first, second, third = tokens(3)
    rotated = begun(first).rotated(first, second, NOW, LIFETIME)
    assert rotated.rotated(first, third, NOW, LIFETIME) is None


def test_a_session_knows_its_tokens_the_spent_ones_too_and_no_made_up_one():
    first, made_up = tokens(2)
    second = first.successor()
    rotated = begun(first).rotated(first, second, NOW, LIFETIME)
    assert len({first.secret, second.secret, second.successor().secret}) == 3
    assert [rotated.knows(each) for each in (first, second, made_up)] == [True, True, False]


def test_a_session_of_before_families_takes_any_secret_for_a_spent_one_until_its_token_is_exchanged():
    first, made_up = tokens(2)
    session = replace(begun(first), family_hash=None)
    assert session.knows(made_up)
    rotated = session.rotated(first, first.successor(), NOW, LIFETIME)
    assert [rotated.knows(each) for each in (first, made_up)] == [True, False]


def test_a_token_that_a_release_of_before_families_gave_is_known_while_it_is_usable():
    first, second = tokens(2)
    session = replace(begun(first), token_hash=second.hash)
    assert session.knows(second)


def test_a_session_is_of_one_client_and_ends_in_time():
    session = begun(RefreshToken.new(new_id()))
    assert session.usable_by(CLIENTS["web"], NOW)
    assert not session.usable_by(CLIENTS["mobile"], NOW)
    assert not replace(session, expires_at=NOW).usable_by(CLIENTS["web"], NOW)
