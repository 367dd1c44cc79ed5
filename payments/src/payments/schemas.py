"""Schemas: what payments reads and what it shows."""

from marshmallow import Schema, fields, validate

from chassis.fields import Body, Id, Pattern, Timestamp
from payments.domain import PaymentStatus, RefundStatus


class PayOrder(Body):
    order_id = Id(required=True)
    payment_method = Pattern("^pm_[A-Za-z0-9_]+$", minimum=4, maximum=100, required=True)


class PaymentSchema(Schema):
    id = Id(required=True)
    order_id = Id(required=True)
    status = fields.String(required=True, validate=validate.OneOf(list(PaymentStatus)))
    amount = fields.Integer(required=True, metadata={"description": "in the currency's minor unit"})
    currency = fields.String(required=True)
    failure_code = fields.String(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class RefundSchema(Schema):
    id = Id(required=True)
    payment_id = Id(required=True)
    amount = fields.Integer(required=True, metadata={"description": "in the currency's minor unit"})
    currency = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(list(RefundStatus)))
    created_at = Timestamp(required=True)


class NoticeTaken(Schema):
    received = fields.Boolean(required=True)
