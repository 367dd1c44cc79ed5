"""Stripe: its signed webhooks, from raw bytes to notices."""

import time
from collections.abc import Sequence

import stripe
from stripe import Event, PaymentIntent

from chassis.errors import BadRequest
from payments.domain import Notice, WebhookExpired, WebhookMalformed, WebhookSignatureInvalid
from payments.metrics import WEBHOOKS
from payments.stripe_provider import outcome_of, payment_id_of

TOLERANCE_SECONDS = 300


class StripeWebhooks:
    """Reads what was signed with one of the live secrets: two, while one replaces the other."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secrets)

    def read(self, payload: bytes, signature: str) -> Notice:
        """Return what the provider tells. Raises WebhookSignatureInvalid, WebhookExpired, WebhookMalformed; each is
        counted."""
        try:
            return self._read(payload, signature)
        except BadRequest as refusal:
            WEBHOOKS.labels(refusal.code).inc()
            raise

    def _read(self, payload: bytes, signature: str) -> Notice:
        if not signature.isascii():
            raise WebhookSignatureInvalid()
        try:
            event = self._verified(payload, signature)
            # The library refuses what is old; what is from the future has to be as well.
            if abs(time.time() - _signed_at(signature)) > TOLERANCE_SECONDS:
                raise WebhookExpired()
            return _notice(event)
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise WebhookMalformed() from wrong

    def _verified(self, payload: bytes, signature: str) -> Event:
        for secret in self._secrets:
            try:
                return stripe.Webhook.construct_event(payload, signature, secret, tolerance=0)
            except stripe.SignatureVerificationError:
                continue
        raise WebhookSignatureInvalid()


def _signed_at(signature: str) -> int:
    return next(
        int(value) for name, _, value in (each.partition("=") for each in signature.split(",")) if name == "t"
    )


def _notice(event: Event) -> Notice:
    intent = event.data.object
    payment_id = payment_id_of(intent) if isinstance(intent, PaymentIntent) else None
    if payment_id is None:
        return Notice(id=event.id, type=event.type)
    return Notice(id=event.id, type=event.type, payment_id=payment_id, outcome=outcome_of(intent))
