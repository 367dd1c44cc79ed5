from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from doubles import MemoryDatabase, PlainPasswords, PlainTokens

from chassis.ids import new_id
from chassis.paging import decode_cursor
from users.domain import (
    CLIENTS,
    EmailTaken,
    FeedCursor,
    InvalidGrant,
    Notification,
    RefreshToken,
    Revoked,
    Role,
    UserDeleted,
    UserNotFound,
    UserRegistered,
)
from users.service import Accounts, Revocations, Sessions, forget_expired

PASSWORD = "correct horse battery"
WEB, MOBILE = CLIENTS["web"], CLIENTS["mobile"]


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def database(clock):
    return MemoryDatabase(clock)


@pytest.fixture
def passwords():
    return PlainPasswords()


@pytest.fixture
def accounts(database, passwords):
    return Accounts(database, passwords, timedelta(minutes=10))


@pytest.fixture
def sessions(database, passwords):
    return Sessions(database, passwords, PlainTokens(), lifetime=timedelta(days=30))


def test_an_account_is_registered_as_a_customer_and_told(accounts, database, clock):
    user = accounts.register(" Ada@Example.COM", PASSWORD, "Ada")
    assert (user.email, user.name, user.role, user.created_at) == (
        "ada@example.com",
        "Ada",
        Role.CUSTOMER,
        clock.now,
    )
    assert database.tables.recorded == [UserRegistered(user.id, version=1)]


def test_an_address_is_taken_in_whatever_case(accounts, database):
    accounts.register("ada@example.com", PASSWORD, "Ada")
    with pytest.raises(EmailTaken):
        accounts.register("ADA@example.com", PASSWORD, "Another")
    assert len(database.tables.users) == len(database.tables.recorded) == 1


def test_signing_in_gives_an_access_token_and_a_refresh_token(accounts, sessions):
    user = accounts.register("ada@example.com", PASSWORD, "Ada")
    granted = sessions.sign_in(WEB, "Ada@example.com", PASSWORD)
    assert granted.access_token == f"customer {user.id} on web"
    assert sessions.refresh(WEB, granted.refresh_token).access_token == granted.access_token


@pytest.mark.parametrize(("email", "password"), [("ada@example.com", "wrong"), ("bob@example.com", PASSWORD)])
def test_a_wrong_password_and_an_unknown_address_are_refused_alike(
    accounts, sessions, passwords, email, password
):
    accounts.register("ada@example.com", PASSWORD, "Ada")
    with pytest.raises(InvalidGrant, match="address or the password"):
        sessions.sign_in(WEB, email, password)
    assert len(passwords.checked) == 1


def test_a_hash_of_former_parameters_is_renewed_at_sign_in(accounts, sessions, passwords, database):
    user = accounts.register("ada@example.com", PASSWORD, "Ada")
    passwords.current = "v2"
    sessions.sign_in(WEB, "ada@example.com", PASSWORD)
    assert database.tables.users[user.id].password_hash.startswith("v2:")


def test_a_spent_refresh_token_ends_the_session_for_everybody(accounts, sessions):
    accounts.register("ada@example.com", PASSWORD, "Ada")
    first = sessions.sign_in(MOBILE, "ada@example.com", PASSWORD).refresh_token
    second = sessions.refresh(MOBILE, first).refresh_token
    for shown in (first, second):
        with pytest.raises(InvalidGrant):
            sessions.refresh(MOBILE, shown)


def test_a_made_up_secret_neither_refreshes_nor_ends_a_session(accounts, sessions, revoked):
    accounts.register("ada@example.com", PASSWORD, "Ada")
    token = sessions.sign_in(MOBILE, "ada@example.com", PASSWORD).refresh_token
    made_up = RefreshToken.new(session_of(token)).text
    with pytest.raises(InvalidGrant):
        sessions.refresh(MOBILE, made_up)
    sessions.sign_out(MOBILE, made_up)
    assert revoked() == []
    assert sessions.refresh(MOBILE, token)


def test_a_spent_refresh_token_signs_out_as_well(accounts, sessions):
    accounts.register("ada@example.com", PASSWORD, "Ada")
    first = sessions.sign_in(MOBILE, "ada@example.com", PASSWORD).refresh_token
    second = sessions.refresh(MOBILE, first).refresh_token
    sessions.sign_out(MOBILE, first)
    with pytest.raises(InvalidGrant):
        sessions.refresh(MOBILE, second)


def test_a_refresh_token_is_of_use_to_its_client_alone(accounts, sessions):
    accounts.register("ada@example.com", PASSWORD, "Ada")
    token = sessions.sign_in(WEB, "ada@example.com", PASSWORD).refresh_token
    with pytest.raises(InvalidGrant):
        sessions.refresh(MOBILE, token)
    sessions.sign_out(MOBILE, token)
    assert sessions.refresh(WEB, token)


def test_a_refresh_token_expires(accounts, sessions, clock, database):
    accounts.register("ada@example.com", PASSWORD, "Ada")
    token = sessions.sign_in(WEB, "ada@example.com", PASSWORD).refresh_token
    clock.now += timedelta(days=30)
    with pytest.raises(InvalidGrant):
        sessions.refresh(WEB, token)
    forget_expired(database)
    assert database.tables.sessions == {}


def test_signing_out_ends_one_session_and_never_complains(accounts, sessions):
    accounts.register("ada@example.com", PASSWORD, "Ada")
    phone, tablet = (sessions.sign_in(MOBILE, "ada@example.com", PASSWORD).refresh_token for _ in range(2))
    for shown in (phone, phone, "nonsense"):
        sessions.sign_out(MOBILE, shown)
    with pytest.raises(InvalidGrant):
        sessions.refresh(MOBILE, phone)
    assert sessions.refresh(MOBILE, tablet)


def test_deleting_an_account_erases_it_and_ends_its_sessions(accounts, sessions, database):
    user = accounts.register("ada@example.com", PASSWORD, "Ada")
    token = sessions.sign_in(WEB, "ada@example.com", PASSWORD).refresh_token
    with database.transaction() as tx:
        tx.add_notification(notification(user.id))
    accounts.delete(user.id)
    assert database.tables.recorded[-1] == UserDeleted(user.id, version=2)
    assert not database.tables.users and not database.tables.notifications
    with pytest.raises(UserNotFound):
        accounts.user(user.id)
    with pytest.raises(InvalidGrant):
        sessions.refresh(WEB, token)


def test_the_address_of_a_deleted_account_is_free_again(accounts):
    old = accounts.register("ada@example.com", PASSWORD, "Ada")
    accounts.delete(old.id)
    assert accounts.register("ada@example.com", PASSWORD, "Ada").id != old.id


def test_users_are_listed_newest_first_page_by_page(accounts):
    users = [accounts.register(f"{name}@example.com", PASSWORD, name) for name in "abcde"]
    first = accounts.users(None, limit=3)
    rest = accounts.users(decode_cursor(first.next_cursor), limit=3)
    assert [*first.items, *rest.items] == users[::-1]
    assert rest.next_cursor is None


def test_notifications_are_a_users_own(accounts, database):
    ada, bob = (accounts.register(f"{name}@example.com", PASSWORD, name) for name in ("ada", "bob"))
    with database.transaction() as tx:
        tx.add_notification(notification(ada.id))
    assert len(accounts.notifications(ada.id, None, 20).items) == 1
    assert accounts.notifications(bob.id, None, 20).items == []


def test_the_administrator_is_made_once(accounts, database):
    admin = accounts.ensure_admin("admin@example.com", PASSWORD)
    assert admin.role is Role.ADMIN
    assert accounts.ensure_admin("Admin@example.com", PASSWORD) == admin
    assert database.tables.recorded == [UserRegistered(admin.id, version=1)]


def test_an_account_that_becomes_the_administrators_is_signed_out_everywhere(accounts, sessions):
    customer = accounts.register("admin@example.com", "the customer's own", "Mallory")
    token = sessions.sign_in(WEB, "admin@example.com", "the customer's own").refresh_token
    admin = accounts.ensure_admin("admin@example.com", PASSWORD)
    assert (admin.id, admin.role) == (customer.id, Role.ADMIN)
    with pytest.raises(InvalidGrant):
        sessions.refresh(WEB, token)
    with pytest.raises(InvalidGrant):
        sessions.sign_in(WEB, "admin@example.com", "the customer's own")


@pytest.fixture
def revoked(database):
    """What the feed of revocations holds: kind, id and how long they are told."""

    def read(limit=100):
        feed = Revocations(database).since(FeedCursor(), limit)
        return [(each.kind, each.id, each.expires_at) for each in feed.data]

    return read


def session_of(token):
    return RefreshToken.parse(token).session_id


def test_signing_out_revokes_the_access_tokens_of_that_session_once(accounts, sessions, revoked, clock):
    accounts.register("ada@example.com", PASSWORD, "Ada")
    phone, _ = (sessions.sign_in(MOBILE, "ada@example.com", PASSWORD).refresh_token for _ in range(2))
    sessions.sign_out(WEB, phone)
    assert revoked() == []
    sessions.sign_out(MOBILE, phone)
    sessions.sign_out(MOBILE, phone)
    assert revoked() == [(Revoked.SESSION, session_of(phone), clock.now + timedelta(minutes=11))]


def test_a_spent_refresh_token_revokes_the_access_tokens_of_its_session(accounts, sessions, revoked):
    accounts.register("ada@example.com", PASSWORD, "Ada")
    spent = sessions.sign_in(MOBILE, "ada@example.com", PASSWORD).refresh_token
    for _ in range(2):
        with suppress(InvalidGrant):
            sessions.refresh(MOBILE, spent)
    assert [each[:2] for each in revoked()] == [(Revoked.SESSION, session_of(spent))]


def test_deleting_an_account_revokes_all_its_access_tokens(accounts, sessions, revoked, clock):
    user = accounts.register("ada@example.com", PASSWORD, "Ada")
    sessions.sign_in(MOBILE, "ada@example.com", PASSWORD)
    accounts.delete(user.id)
    assert revoked() == [(Revoked.USER, user.id, clock.now + timedelta(minutes=11))]


def test_an_account_that_becomes_the_administrators_keeps_none_of_its_access_tokens(
    accounts, sessions, revoked
):
    accounts.register("admin@example.com", "the customer's own", "Mallory")
    token = sessions.sign_in(WEB, "admin@example.com", "the customer's own").refresh_token
    accounts.ensure_admin("admin@example.com", PASSWORD)
    assert [each[:2] for each in revoked()] == [(Revoked.SESSION, session_of(token))]


def test_what_has_been_revoked_is_forgotten_once_its_tokens_have_expired(
    accounts, sessions, database, revoked, clock
):
    user = accounts.register("ada@example.com", PASSWORD, "Ada")
    accounts.delete(user.id)
    for minutes, told in ((10, 1), (1, 0)):
        clock.now += timedelta(minutes=minutes)
        forget_expired(database)
        assert len(revoked()) == told


def notification(user_id):
    return Notification(
        id=new_id(),
        user_id=user_id,
        type="order.paid",
        order_id=new_id(),
        title="Your order is paid.",
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
