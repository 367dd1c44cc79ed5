"""Unit tests of the domain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop import NOW, WINDOW, line, order, payment_of

from chassis.errors import Conflict
from chassis.ids import new_id
from orders.domain import (
    REFUSALS,
    TRANSITIONS,
    Item,
    Move,
    OrderNotPayable,
    OrderNotRefundable,
    OutOfStock,
    Status,
    UnknownSku,
    refusal_of,
)

EVERY_ATTEMPT = [(status, move) for status in Status for move in Move]


def test_a_new_order_waits_for_its_payment_and_costs_what_its_items_cost():
    placed = order(Item("TEA-1", "Tea", 2, 500), Item("CUP-1", "Cup", 1, 1250))
    assert (placed.status, placed.total, placed.version) == (Status.PENDING, 2250, 1)
    assert placed.expires_at == NOW + WINDOW


@pytest.mark.parametrize(("status", "move"), [pair for pair in EVERY_ATTEMPT if pair in TRANSITIONS])
def test_a_move_of_the_table_makes_the_next_version(status, move):
    moved = order(status=status, version=3).moved(move, NOW)
    assert (moved.status, moved.version) == (TRANSITIONS[status, move], 4)


@pytest.mark.parametrize(("status", "move"), [pair for pair in EVERY_ATTEMPT if pair not in TRANSITIONS])
def test_any_other_move_is_refused(status, move):
    with pytest.raises(REFUSALS[move]):
        order(status=status).moved(move, NOW)


def test_each_refusal_has_a_code_of_its_own():
    assert [REFUSALS[move].code for move in Move] == [
        "order_not_payable",
        "order_not_fulfillable",
        "order_not_cancellable",
        "order_not_expirable",
        "order_not_refundable",
    ]


@given(st.lists(st.sampled_from(Move)))
def test_whatever_is_tried_the_version_counts_the_moves_made(moves):
    here = order()
    made = 0
    for move in moves:
        try:
            here = here.moved(move, NOW)
        except Conflict:
            continue
        made += 1
    assert here.version == 1 + made
    assert made <= 3


def test_a_payment_of_the_total_pays_the_order():
    placed = order()
    payment = payment_of(placed)
    paid = placed.paid_by(payment, NOW)
    assert (paid.status, paid.payment_id) == (Status.PAID, payment.id)


@pytest.mark.parametrize("wrong", [{"amount": 999}, {"amount": 1001}, {"currency": "JPY"}])
def test_a_payment_of_another_sum_does_not(wrong):
    placed = order()
    with pytest.raises(OrderNotPayable):
        placed.paid_by(payment_of(placed, **wrong), NOW)


def test_the_refund_of_a_cancelled_order_is_one_move():
    placed = order()
    payment = payment_of(placed)
    cancelled = placed.paid_by(payment, NOW).moved(Move.CANCEL, NOW)
    assert [moved.status for moved in cancelled.refunded_by(payment, NOW)] == [Status.REFUNDED]


def test_the_refund_of_a_paid_order_cancels_it_first():
    placed = order()
    payment = payment_of(placed)
    moves = placed.paid_by(payment, NOW).refunded_by(payment, NOW)
    assert [(moved.status, moved.version) for moved in moves] == [
        (Status.CANCELLED, 3),
        (Status.REFUNDED, 4),
    ]


def test_only_the_whole_payment_that_paid_the_order_refunds_it():
    placed = order()
    payment = payment_of(placed)
    paid = placed.paid_by(payment, NOW)
    for wrong in (payment_of(placed), payment_of(placed, id=payment.id, amount=1)):
        with pytest.raises(OrderNotRefundable):
            paid.refunded_by(wrong, NOW)


@pytest.mark.parametrize(
    ("status", "was_paid", "is_final"),
    [
        (Status.PENDING, False, False),
        (Status.PAID, True, False),
        (Status.FULFILLED, True, True),
        (Status.CANCELLED, False, True),
        (Status.CANCELLED, True, False),
        (Status.EXPIRED, False, True),
        (Status.REFUNDED, True, True),
    ],
)
def test_an_order_is_final_when_no_move_is_left(status, was_paid, is_final):
    payment_id = new_id() if was_paid else None
    assert order(status=status, payment_id=payment_id).is_final is is_final


def test_skus_nobody_sells_are_named_before_any_shortage():
    lines = [line("TEA-1"), line("NO-1"), line("CUP-1", 99), line("NO-2")]
    refusal = refusal_of(lines, reserved={"TEA-1"}, known={"TEA-1", "CUP-1"})
    assert isinstance(refusal, UnknownSku)
    assert [wrong.pointer for wrong in refusal.errors] == ["/items/1/sku", "/items/3/sku"]


def test_a_shortage_points_at_the_quantity():
    lines = [line("TEA-1"), line("CUP-1", 99)]
    refusal = refusal_of(lines, reserved={"TEA-1"}, known={"TEA-1", "CUP-1"})
    assert isinstance(refusal, OutOfStock)
    assert [wrong.pointer for wrong in refusal.errors] == ["/items/1/quantity"]
