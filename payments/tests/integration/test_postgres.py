"""What only PostgreSQL can show: several workers at once, races of a success and a closing, rights, events."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import psycopg
import pytest
from doubles import MemoryProvider
from samples import payment_by, refund_of

from chassis import context
from chassis.context import RequestContext
from chassis.ids import new_id
from payments.domain import Order, Outcome, PaymentStatus, RefundOutcome, RefundStatus
from payments.service import Settlement, close_order
from payments.service.settling import complete_refund, settle

LEASE = timedelta(seconds=30)


@pytest.fixture
def add(database):
    """Put a payment of an order of its own into the database, due at once."""

    def add(**values):
        payment = payment_by(**values)
        with database.transaction() as tx:
            tx.remember_order(order_of(payment))
            tx.add_payment(payment, settle_at=tx.now)
        return payment

    return add


def order_of(payment):
    expires_at = datetime.now(UTC) + timedelta(minutes=15)
    return Order(
        id=payment.order_id,
        user_id=payment.user_id,
        total=payment.amount,
        currency=payment.currency,
        expires_at=expires_at,
    )


def success_of(payment):
    return Outcome(status=PaymentStatus.SUCCEEDED, reference=f"pi_{payment.id.hex}")


def rows_of(database, statement):
    with database.read() as one:
        return one.conn.execute(statement).fetchall()


def test_several_workers_share_what_is_due_and_settle_each_payment_once(database, add):
    payments = [add() for _ in range(40)]
    provider = MemoryProvider()
    settlement = Settlement(database, provider, LEASE)

    def work(_):
        while settlement.settle_next():
            pass

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert provider.calls == len(payments)
    assert len(provider.charged) == len(payments)
    [booked] = rows_of(database, "SELECT count(*) AS rows, sum(amount) AS amount FROM ledger_entries")
    assert (booked["rows"], booked["amount"]) == (40, sum(each.amount for each in payments))


def test_what_a_dead_worker_had_claimed_comes_back_when_its_lease_ends(database, add, until):
    payment = add()
    with database.transaction() as tx:
        assert tx.claim_payment(timedelta(milliseconds=200)) == payment
    settlement = Settlement(database, MemoryProvider(), LEASE)
    assert not settlement.settle_next()
    until(settlement.settle_next)
    [row] = rows_of(database, "SELECT attempts, status FROM payments")
    assert (row["attempts"], row["status"]) == (2, "succeeded")


@pytest.mark.parametrize("attempt", range(10))
def test_a_success_and_a_closing_at_the_same_moment_owe_one_refund(database, add, attempt):
    payment, together = add(), Barrier(3)

    def succeed(_):
        together.wait()
        with database.transaction() as tx:
            settle(tx, payment.id, success_of(payment))

    def close(_):
        together.wait()
        with database.transaction() as tx:
            close_order(tx, order_of(payment))

    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(each, None) for each in (succeed, close, succeed)]:
            done.result()
    assert rows_of(database, "SELECT status FROM payments") == [{"status": "succeeded"}]
    assert rows_of(database, "SELECT reason FROM refunds") == [{"reason": "order_closed"}]


def test_a_refund_that_two_workers_complete_is_booked_and_told_once(database, add):
    payment = add()
    with database.transaction() as tx:
        settle(tx, payment.id, success_of(payment))
        refund = refund_of(payment)
        tx.add_refund(refund)
    done, together = RefundOutcome(status=RefundStatus.SUCCEEDED, reference="re_1"), Barrier(2)

    def complete(_):
        together.wait()
        with database.transaction() as tx:
            complete_refund(tx, refund, done)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(complete, range(2)))
    assert rows_of(database, "SELECT sum(amount) AS left FROM ledger_entries") == [{"left": 0}]
    told = rows_of(database, "SELECT type FROM outbox ORDER BY position")
    assert [row["type"] for row in told] == ["payment.succeeded", "payment.refunded"]


def test_a_refund_given_by_hand_is_compared_by_the_reference_of_that(database, add):
    payment = add()
    refund = refund_of(payment, reference="re_failed")
    with database.transaction() as tx:
        settle(tx, payment.id, success_of(payment))
        tx.add_refund(refund)
        tx.save_refund(refund)
        charge = tx.payment(payment.id).reference
        assert tx.refunds_of_charges({charge})[charge][1].reference == "re_failed"
        tx.note_given_by_hand(refund.id, "re_second")
        assert tx.refunds_of_charges({charge})[charge] == (payment.id, replace(refund, reference="re_second"))


def test_an_event_belongs_to_the_request_that_asked_for_the_payment(database, add):
    payment = add(request_id="the-shoppers-request", traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    with (
        context.use(RequestContext(request_id="the-workers-round")),
        database.transaction() as tx,
    ):
        settle(tx, payment.id, success_of(payment))
    [event] = rows_of(database, "SELECT request_id, traceparent, aggregate_id, version FROM outbox")
    assert (event["request_id"], event["traceparent"]) == (payment.request_id, payment.traceparent)
    assert (event["aggregate_id"], event["version"]) == (payment.id, 2)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET amount = 0",
        "DELETE FROM ledger_entries",
        "DELETE FROM payments",
        "UPDATE payments SET amount = 1",
        "DELETE FROM refunds",
        "UPDATE given_by_hand SET reference = ''",
        "DELETE FROM given_by_hand",
        "UPDATE orders SET total = 1",
        "DROP TABLE payments",
        "TRUNCATE notices",
    ],
)
def test_the_runtime_role_cannot_rewrite_the_books(database, add, statement):
    add()
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as tx:
        tx.conn.execute(statement)


def test_what_is_open_is_counted_with_the_age_of_the_oldest(database, add):
    first = add()
    add()
    with database.transaction() as tx:
        settle(tx, first.id, success_of(first))
        tx.add_refund(replace(refund_of(first), id=new_id()))
    with database.read() as one:
        (payments, refunds) = one.open_work()
    assert (payments[:2], refunds[:2]) == (("payment", 1), ("refund", 1))
    assert 0 <= payments[2] < 60


def test_a_failed_transaction_of_a_worker_leaves_the_payment_to_the_next(database, add):
    payment = add()
    with suppress(ZeroDivisionError), database.transaction() as tx:
        settle(tx, payment.id, success_of(payment))
        raise ZeroDivisionError
    assert rows_of(database, "SELECT type FROM outbox") == []
    settlement = Settlement(database, MemoryProvider(), LEASE)
    assert settlement.settle_next()
