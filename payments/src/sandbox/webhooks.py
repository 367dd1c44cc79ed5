"""Webhooks: the events of the ledger, signed as Stripe signs them and sent until they are taken."""

import hashlib
import hmac
import logging
import time

import requests

from sandbox.ledger import Ledger, Row
from sandbox.settings import Settings

TIMEOUT_SECONDS = 5.0
BACKOFF_MIN_SECONDS = 1.0
BACKOFF_MAX_SECONDS = 30.0
UNREACHABLE_PAUSE_SECONDS = 1.0
IDLE_SECONDS = 1.0

DUE = """
SELECT
    id,
    type,
    created,
    payload,
    attempts
FROM events
WHERE next_attempt_at <= :now
ORDER BY next_attempt_at, position
LIMIT 1
"""
WAITING = "SELECT MIN(next_attempt_at) AS at FROM events WHERE next_attempt_at IS NOT NULL"
TAKEN = """
UPDATE events
SET attempts = attempts + 1,
    next_attempt_at = NULL,
    delivered_at = :now
WHERE id = :id
"""
NOT_TAKEN = """
UPDATE events
SET attempts = attempts + 1,
    next_attempt_at = :next_attempt_at
WHERE id = :id
"""

log = logging.getLogger("sandbox.webhooks")


def signature(payload: str, secret: str, timestamp: int) -> str:
    """Return the Stripe-Signature header: HMAC-SHA256 over "<timestamp>.<payload>"."""
    digest = hmac.new(secret.encode(), f"{timestamp}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class Courier:
    """Sends one event after another; each is tried again, later and later, for a bounded time."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._url = settings.webhook_url
        self._secret = settings.webhook_secret.reveal()
        self._retry_seconds = settings.webhook_retry_seconds
        self._session = requests.Session()
        self._session.trust_env = False

    def step(self) -> float:
        """Send the event that is due first; return the seconds until there may be more to do."""
        with self._ledger.transaction() as tx:
            event = tx.one(DUE, now=tx.now)
            (waiting,) = tx.all(WAITING)
        if event is None:
            return IDLE_SECONDS if waiting["at"] is None else waiting["at"] - tx.now
        status = self._send(event)
        self._note(event, taken=status is not None and 200 <= status < 300)
        if status is None:
            time.sleep(UNREACHABLE_PAUSE_SECONDS)  # nobody listens: the other events need not be tried now
        return 0.0

    def _send(self, event: Row) -> int | None:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(event["payload"], self._secret, int(time.time())),
            "User-Agent": "Stripe/1.0 (sandbox)",
        }
        status = None
        try:
            with self._session.post(
                self._url,
                data=event["payload"].encode(),
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            ) as response:
                status = response.status_code
        except requests.RequestException as failure:
            log.warning("webhook failed", extra={"event": event["id"], "reason": type(failure).__name__})
        else:
            log.info("webhook sent", extra={"event": event["id"], "type": event["type"], "status": status})
        return status

    def _note(self, event: Row, *, taken: bool) -> None:
        with self._ledger.transaction() as tx:
            if taken:
                tx.write(TAKEN, id=event["id"], now=tx.now)
                return
            backoff = min(BACKOFF_MIN_SECONDS * 2 ** event["attempts"], BACKOFF_MAX_SECONDS)
            late = tx.now + backoff > event["created"] + self._retry_seconds
            tx.write(NOT_TAKEN, id=event["id"], next_attempt_at=None if late else tx.now + backoff)
        if late:
            log.error("webhook given up", extra={"event": event["id"], "type": event["type"]})
