"""The routes of payments: parse, call, present."""

from uuid import UUID

from flask import request

from chassis.api import ADMIN, ANYONE, Api, Call, page_of
from chassis.fields import PageQuery
from chassis.paging import Page
from chassis.peer_answers import PeerNonsense
from payments.domain import (
    AmountNotPayable,
    CardDeclined,
    OrderNotFound,
    OrderNotPayable,
    Payment,
    PaymentExists,
    PaymentNotFound,
    PaymentNotRefundable,
    Refund,
    WebhookExpired,
    WebhookMalformed,
    WebhookSignatureInvalid,
)
from payments.metrics import WEBHOOKS
from payments.schemas import NoticeTaken, PaymentSchema, PayOrder, RefundSchema
from payments.service import Payments
from payments.stripe_webhooks import StripeWebhooks


def add_payment_routes(api: Api, payments: Payments) -> None:
    @api.post(
        "/api/v1/payments",
        body=PayOrder,
        answer=PaymentSchema,
        status=201,
        idempotent=True,
        errors=(CardDeclined, AmountNotPayable, OrderNotFound, OrderNotPayable, PaymentExists, PeerNonsense),
    )
    def pay(call: Call) -> Payment:
        """Pay for an order; an outcome nobody knows yet is answered as processing."""
        return payments.pay(call.user_id, call.body["order_id"], call.body["payment_method"], call.once)

    @api.get("/api/v1/payments", query=PageQuery, answer=page_of(PaymentSchema))
    def list_payments(call: Call) -> Page[Payment]:
        """List the caller's payments, newest first."""
        return payments.payments(call.user_id, call.query["cursor"], call.query["limit"])

    @api.get("/api/v1/payments/<uuid:payment_id>", answer=PaymentSchema, errors=(PaymentNotFound,))
    def get_payment(call: Call, payment_id: UUID) -> Payment:
        """Show one of the caller's payments."""
        return payments.payment(call.user_id, payment_id)

    @api.post(
        "/api/v1/payments/<uuid:payment_id>/refunds",
        answer=RefundSchema,
        status=201,
        caller=ADMIN,
        idempotent=True,
        errors=(PaymentNotFound, PaymentNotRefundable),
    )
    def refund_payment(call: Call, payment_id: UUID) -> Refund:
        """Give the whole of a payment back; the money moves a moment later."""
        return payments.refund(payment_id, call.once)


def add_webhook_route(api: Api, payments: Payments, webhooks: StripeWebhooks) -> None:
    @api.post(
        "/api/v1/payments/webhooks/stripe",
        raw=True,
        answer=NoticeTaken,
        caller=ANYONE,
        errors=(WebhookSignatureInvalid, WebhookExpired, WebhookMalformed),
    )
    def hear_stripe(call: Call) -> dict[str, bool]:
        """Take in a webhook of Stripe, signed in its Stripe-Signature header."""
        notice = webhooks.read(call.raw, request.headers.get("Stripe-Signature", ""))
        WEBHOOKS.labels("new" if payments.hear(notice) else "duplicate").inc()
        return {"received": True}
