"""Unit test of every order of things: whatever happens when, the money ends where it belongs."""

from contextlib import suppress

from doubles import Till, once
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from chassis.errors import ServiceError
from chassis.idempotency import Replay
from chassis.ids import new_id
from payments.domain import Notice, PaymentStatus
from payments.service.ports import ProviderUnavailable

METHODS = ("pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_visa_silent")


class Killed(Exception):
    """The process ends here; nothing catches this."""


FAULTS = {"nothing": None, "silence": ProviderUnavailable("silence"), "kill": Killed()}


class Shop(RuleBasedStateMachine):
    orders = Bundle("orders")
    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self.till = Till()

    @rule(target=orders)
    def place(self):
        return self.till.placed()

    @rule(target=attempts, order=orders, method=st.sampled_from(METHODS))
    def start_to_pay(self, order, method):
        return order, method, str(new_id())

    @rule(attempt=attempts, before=st.sampled_from(list(FAULTS)), after=st.sampled_from(list(FAULTS)))
    def pay(self, attempt, before, after):
        with self.faults(before, after), suppress(ServiceError, Replay):
            try:
                self.till.pay(*attempt)
            except Killed:
                self.till.restart()

    @rule(order=orders)
    def close(self, order):
        self.till.close(order)

    @rule(attempt=attempts)
    def settle_at_the_provider(self, attempt):
        payment = self.payment_of(attempt)
        if payment:
            self.settle(payment)

    @rule(attempt=attempts)
    def tell(self, attempt):
        payment = self.payment_of(attempt)
        outcome = self.till.provider.look_up(payment) if payment else None
        if outcome:
            self.till.payments.hear(
                Notice(id=str(new_id()), type="told", payment_id=payment.id, outcome=outcome)
            )

    @rule(attempt=attempts)
    def ask_for_a_refund(self, attempt):
        payment = self.payment_of(attempt)
        with suppress(ServiceError):
            self.till.payments.refund(payment.id if payment else new_id(), once())

    @rule(
        seconds=st.integers(0, 600),
        before=st.sampled_from(list(FAULTS)),
        after=st.sampled_from(list(FAULTS)),
    )
    def work(self, seconds, before, after):
        with self.faults(before, after), suppress(Killed):
            self.till.later(seconds=seconds)

    def teardown(self):
        for _ in range(10):
            for payment in self.till.database.tables.payments.values():
                self.settle(payment)
            self.till.later(minutes=10)
        assert self.till.database.tables.due == {}
        self.till.check_books()
        for order in self.till.database.tables.orders.values():
            self.check(order)

    def settle(self, payment):
        if payment.payment_method == "pm_card_visa_silent" and payment.reference:
            self.till.provider.settle(payment.id, payment.amount)

    def check(self, order):
        paid = [each for each in self.till.database.tables.payments.values() if each.order_id == order.id]
        kept = [each for each in paid if each.status is PaymentStatus.SUCCEEDED]
        given_back = {each.payment_id for each in self.till.refunds()}
        charged = {each.id for each in paid} & set(self.till.provider.charged)
        assert len(kept) <= order.open
        assert charged - given_back == {each.id for each in kept}
        assert {each.status for each in paid} <= {"succeeded", "failed", "refunded"}

    def payment_of(self, attempt):
        key = next(
            (each for (*_, key), each in self.till.database.tables.keys.items() if key == attempt[2]), None
        )
        return self.till.database.tables.payments.get(key.id) if key else None

    def faults(self, before, after):
        return self.till.provider.failing(FAULTS[before], FAULTS[after])


TestAnyOrderOfThings = Shop.TestCase
TestAnyOrderOfThings.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, derandomize=True
)
