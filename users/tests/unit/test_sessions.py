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


def test_a_token_with_a_made_up_secret_ends_the_session():
    first, made_up, successor = tokens(3)
    assert begun(first).rotated(made_up, successor, NOW, LIFETIME) is None


def test_a_session_is_of_one_client_and_ends_in_time():
    session = begun(RefreshToken.new(new_id()))
    assert session.usable_by(CLIENTS["web"], NOW)
    assert not session.usable_by(CLIENTS["mobile"], NOW)
    assert not replace(session, expires_at=NOW).usable_by(CLIENTS["web"], NOW)
