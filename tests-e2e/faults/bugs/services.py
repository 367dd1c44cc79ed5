"""Seeded bugs of orders and payments: stock, prices, moves, charges, refunds."""

from faults import scenarios, unheard
from faults.bugs import ORDERS, PAYMENTS, Bug, Edit

DOMAIN, USE_CASES = "orders.domain", "orders.service"
PRODUCTS, ORDER_ROWS = "orders.postgres.products", "orders.postgres.orders"
PROVIDER, SETTLING, PAYING = (
    "payments.stripe_provider",
    "payments.service.settling",
    "payments.service.paying",
)

SERVICES = (
    Bug(
        "stock is taken without a look at it",
        (Edit(PRODUCTS, "                    AND stock >= %(quantity)s\n", ""),),
        ORDERS,
        scenarios.too_much_is_ordered,
        "nobody_is_told_of_a_mistake_inside",
    ),
    Bug(
        "stock is not released",
        (Edit(USE_CASES, "if order.status in CLOSED_UNSOLD for", "if False for"),),
        ORDERS,
        scenarios.an_order_is_cancelled,
        "stock_adds_up",
    ),
    Bug(
        "stock is released twice",
        (
            Edit(
                DOMAIN,
                "frozenset({Status.CANCELLED, Status.EXPIRED})",
                "frozenset({*Status} - {Status.PAID})",
            ),
        ),
        ORDERS,
        scenarios.an_order_is_paid_and_cancelled,
        "stock_adds_up",
    ),
    Bug(
        "wrong total",
        (Edit(DOMAIN, "sum(item.quantity * item.unit_price for", "sum(item.unit_price for"),),
        ORDERS,
        scenarios.an_order_is_paid,
        "totals_agree",
    ),
    Bug(
        "an order's version stays",
        (Edit(DOMAIN, "version=self.version + 1", "version=self.version"),),
        ORDERS,
        scenarios.an_order_is_paid,
        "versions_have_no_gap",
    ),
    Bug(
        "expiry does not look at the state",
        (
            Edit(
                ORDER_ROWS,
                "WHERE o.status = 'PENDING' AND o.expires_at",
                "WHERE o.status <> 'EXPIRED' AND o.expires_at",
            ),
            Edit(
                DOMAIN,
                "if status is None:",
                "if move is Move.EXPIRE:\n            status = Status.EXPIRED\n        if status is None:",
            ),
        ),
        ORDERS,
        scenarios.the_time_of_a_paid_order_ends,
        "events_tell_the_moves",
    ),
    Bug(
        "nothing expires",
        (Edit(ORDER_ROWS, "AND o.expires_at <= now()", "AND o.expires_at <= now() - interval '1 day'"),),
        ORDERS,
        scenarios.an_order_expires,
        "nothing_outlives_its_time",
    ),
    Bug(
        "end() in another transaction",
        (
            Edit(
                USE_CASES,
                "            with tx.together():\n                tx.add_order(order)\n",
                "            tx.add_order(order)\n"
                "        with self._database.transaction() as tx:\n"
                "            if True:\n",
            ),
        ),
        ORDERS,
        scenarios.orders_dies_after_it_commits,
        "nobody_is_told_of_a_mistake_inside",
    ),
    Bug(
        "every charge has a new key",
        (
            Edit(
                PROVIDER,
                '{"idempotency_key": str(payment.id)}',
                '{"idempotency_key": __import__("uuid").uuid4().hex}',
            ),
        ),
        PAYMENTS,
        scenarios.payments_dies_while_it_charges_and_the_webhook_is_late,
        "an_order_is_charged_once",
    ),
    Bug(
        "a charge is repeated although its key is forgotten",
        (Edit("payments.domain", "return now - self.created_at < CHARGE_REPEATABLE_FOR", "return True"),),
        PAYMENTS,
        unheard.a_payment_outlives_its_key,
        "an_order_is_charged_once",
    ),
    Bug(
        "a refund is given in halves, each under a new key",
        (
            Edit(PROVIDER, '"amount": refund.amount', '"amount": refund.amount // 2'),
            Edit(
                PROVIDER,
                '{"idempotency_key": str(refund.id)}',
                '{"idempotency_key": __import__("uuid").uuid4().hex}',
            ),
        ),
        PAYMENTS,
        scenarios.the_worker_dies_while_the_provider_refunds,
        "a_charge_is_refunded_once",
    ),
    Bug(
        "no answer of the provider is a refusal",
        (
            Edit(
                SETTLING,
                "UNKNOWN = Outcome(status=PaymentStatus.PROCESSING)",
                'UNKNOWN = Outcome(status=PaymentStatus.FAILED, failure_code="no_answer")',
            ),
        ),
        PAYMENTS,
        scenarios.the_provider_is_frozen,
        "nothing_is_given_up_too_soon",
    ),
    Bug(
        "a late success is kept",
        (Edit(SETTLING, "            if not order.open:\n", "            if False:\n"),),
        PAYMENTS,
        scenarios.an_order_is_cancelled_while_the_provider_is_silent,
        "every_charge_is_owed_or_refunded",
    ),
    Bug(
        "a cancelled order's payment is kept",
        (Edit("payments.service.following", "if paid is not None:", "if False:"),),
        PAYMENTS,
        scenarios.an_order_is_paid_and_cancelled,
        "orders_and_payments_agree",
    ),
    Bug(
        "who settles does not lock the order",
        (Edit("payments.postgres.orders", "            FOR UPDATE OF o\n", ""),),
        PAYMENTS,
        scenarios.an_order_closes_while_its_payment_succeeds,
        "every_charge_is_owed_or_refunded",
    ),
    Bug(
        "the amount is not the order's",
        (Edit(PAYING, "amount=order.total", "amount=100"),),
        PAYMENTS,
        scenarios.an_order_is_paid,
        "totals_agree",
    ),
    Bug(
        "a declined card is a success",
        (
            Edit(
                PROVIDER,
                "        status=PaymentStatus.FAILED,\n        reference=intent.id if intent else None,\n",
                "        status=PaymentStatus.SUCCEEDED,\n        reference=intent.id if intent else None,\n",
            ),
        ),
        PAYMENTS,
        scenarios.a_card_is_declined_and_the_webhook_is_late,
        "nobody_is_told_of_a_mistake_inside",
    ),
    Bug(
        "what was charged is not booked",
        (
            Edit(
                SETTLING,
                "        if payment.status is PaymentStatus.SUCCEEDED:\n            tx.book_charge(payment)\n",
                "        if payment.status is PaymentStatus.SUCCEEDED:\n",
            ),
        ),
        PAYMENTS,
        scenarios.an_order_is_paid,
        "the_books_agree",
    ),
)
