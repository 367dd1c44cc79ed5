"""What the service expects of a store, of the one in memory as of PostgreSQL."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from doubles import MemoryDatabase

from chassis.ids import new_id
from users.domain import (
    CLIENTS,
    EmailTaken,
    Notification,
    RefreshToken,
    Role,
    Session,
    User,
    UserNotFound,
    UserRegistered,
)

HOUR = timedelta(hours=1)


@pytest.fixture(params=["memory", "postgres"])
def database(request):
    return MemoryDatabase() if request.param == "memory" else request.getfixturevalue("postgres")


def added(tx, email="ada@example.com", **values) -> User:
    user = User(
        id=new_id(),
        email=email,
        name="Ada",
        role=Role.CUSTOMER,
        password_hash="first hash",
        created_at=tx.now,
    )
    user = replace(user, **values)
    tx.add_user(user)
    return user


def begun(tx, user: User, lifetime=HOUR) -> Session:
    session = Session.begin(RefreshToken.new(new_id()), user.id, CLIENTS["web"], tx.now, lifetime)
    tx.add_session(session)
    return session


def told(tx, user: User) -> Notification:
    notification = Notification(
        id=new_id(),
        user_id=user.id,
        type="order.paid",
        order_id=new_id(),
        title="Your order is paid.",
        created_at=tx.now,
    )
    tx.add_notification(notification)
    return notification


def test_a_user_is_found_by_id_and_address(database):
    with database.transaction() as tx:
        ada = added(tx, role=Role.ADMIN)
    with database.read() as tx:
        assert tx.user(ada.id) == ada
        assert tx.user_with_email(ada.email) == ada
        assert tx.user_with_email("bob@example.com") is None


def test_an_address_is_of_one_user(database):
    with database.transaction() as tx:
        added(tx)
    with pytest.raises(EmailTaken), database.transaction() as tx:
        added(tx)


def test_nothing_is_left_of_a_transaction_that_failed(database):
    with suppress(ZeroDivisionError), database.transaction() as tx:
        ada = added(tx)
        tx.record(UserRegistered(ada.id, ada.version))
        raise ZeroDivisionError
    with pytest.raises(UserNotFound), database.read() as tx:
        tx.user(ada.id)


def test_users_come_newest_first_from_a_position_on(database):
    with database.transaction() as tx:
        oldest, middle, newest = (added(tx, f"{name}@example.com") for name in "abc")
    with database.read() as tx:
        assert tx.users(None, limit=2) == [newest, middle]
        assert tx.users(middle.id, limit=2) == [oldest]


def test_a_change_makes_a_new_version(database):
    with database.transaction() as tx:
        ada = added(tx)
    with database.transaction() as tx:
        renamed = tx.rename_user(ada.id, "Ada L.")
        admin = tx.make_admin(ada.id, "second hash")
    assert renamed == replace(ada, name="Ada L.", version=2)
    assert admin == replace(renamed, role=Role.ADMIN, password_hash="second hash", version=3)


def test_a_hash_is_renewed_only_while_it_is_the_one_that_was_checked(database):
    with database.transaction() as tx:
        ada = added(tx)
        tx.renew_password_hash(ada.id, old="another hash", new="second hash")
        assert tx.user(ada.id).password_hash == "first hash"
        tx.renew_password_hash(ada.id, old="first hash", new="second hash")
        assert tx.user(ada.id).password_hash == "second hash"


def test_an_erased_user_is_nowhere_and_the_address_is_free(database):
    with database.transaction() as tx:
        ada = added(tx)
        assert tx.erase_user(ada.id).version == 2
    with database.transaction() as tx:
        assert tx.user_with_email(ada.email) is None
        assert tx.users(None, limit=20) == []
        added(tx, ada.email)
    for change in (
        lambda tx: tx.user(ada.id),
        lambda tx: tx.rename_user(ada.id, "A"),
        lambda tx: tx.erase_user(ada.id),
    ):
        with pytest.raises(UserNotFound), database.transaction() as tx:
            change(tx)


def test_a_session_is_kept_as_it_was_saved(database):
    with database.transaction() as tx:
        session = begun(tx, added(tx))
        assert tx.lock_session(session.id) == session
        later = replace(session, token_hash=b"another", expires_at=tx.now + 2 * HOUR)
        tx.save_session(later)
        assert tx.lock_session(session.id) == later


def test_a_session_is_ended_by_its_client_alone(database):
    with database.transaction() as tx:
        session = begun(tx, added(tx))
        tx.end_session(session.id, "mobile")
        assert tx.lock_session(session.id) == session
        tx.end_session(session.id, "web")
        assert tx.lock_session(session.id) is None


def test_all_sessions_of_a_user_end_together(database):
    with database.transaction() as tx:
        ada, bob = added(tx), added(tx, "bob@example.com")
        hers, his = [begun(tx, ada), begun(tx, ada)], begun(tx, bob)
        tx.end_sessions_of(ada.id)
        assert [tx.lock_session(each.id) for each in hers] == [None, None]
        assert tx.lock_session(his.id) == his


def test_a_session_without_its_user_is_not_found(database):
    with database.transaction() as tx:
        ada = added(tx)
        session = begun(tx, ada)
        tx.erase_user(ada.id)
        assert tx.lock_session(session.id) is None


def test_expired_sessions_end(database):
    with database.transaction() as tx:
        ada = added(tx)
        expired, alive = begun(tx, ada, lifetime=-HOUR), begun(tx, ada)
        assert tx.end_expired_sessions() == 1
        assert tx.lock_session(expired.id) is None
        assert tx.lock_session(alive.id) == alive


def test_notifications_come_newest_first_to_their_user(database):
    with database.transaction() as tx:
        ada, bob = added(tx), added(tx, "bob@example.com")
        first, second, third = told(tx, ada), told(tx, ada), told(tx, ada)
        told(tx, bob)
    with database.read() as tx:
        assert tx.notifications(ada.id, None, limit=2) == [third, second]
        assert tx.notifications(ada.id, second.id, limit=2) == [first]


def test_an_erased_user_has_no_notifications_and_gets_none(database):
    with database.transaction() as tx:
        ada = added(tx)
        told(tx, ada)
        tx.erase_user(ada.id)
        tx.erase_notifications(ada.id)
        told(tx, ada)
        assert tx.notifications(ada.id, None, limit=20) == []
