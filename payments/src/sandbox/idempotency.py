"""Idempotency keys, with Stripe's rules: one effect for one key, stored in the effect's own transaction."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sandbox import confirmations
from sandbox.answers import Answer
from sandbox.errors import InvalidParameter, KeyInUse, KeyReused, StripeError
from sandbox.ledger import Ledger, Row, Transaction

KEY_MAX_LENGTH = 255
KEY_LIFETIME_SECONDS = 24 * 3600

FORGET_OLD = "DELETE FROM idempotency_keys WHERE key = :key AND created <= :now - :lifetime"
FIND = """
SELECT
    fingerprint,
    status,
    body,
    follows
FROM idempotency_keys
WHERE key = :key
"""
KEEP = """
INSERT INTO idempotency_keys (
    key,
    created,
    fingerprint,
    status,
    body,
    follows
) VALUES (
    :key,
    :created,
    :fingerprint,
    :status,
    :body,
    :follows
)
"""


@dataclass(frozen=True)
class Asked:
    """A request, as far as its idempotency goes."""

    key: str | None
    path: str
    parameters: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        if self.key and len(self.key) > KEY_MAX_LENGTH:
            raise InvalidParameter(f"Idempotency keys may have at most {KEY_MAX_LENGTH} characters.")

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps([self.path, sorted(self.parameters)]).encode()).hexdigest()


class IdempotencyKeys:
    """The keys that are in use in this process, and those that the ledger remembers."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._in_use: set[str] = set()
        self._guard = threading.Lock()

    @contextmanager
    def held(self, key: str | None) -> Iterator[None]:
        """Hold a key while its request is answered; raises KeyInUse for a second request meanwhile."""
        if key is None:
            yield
            return
        with self._guard:
            if key in self._in_use:
                raise KeyInUse(
                    f"There is currently another in-progress request using this idempotency key: {key}.",
                    code="idempotency_key_in_use",
                )
            self._in_use.add(key)
        try:
            yield
        finally:
            with self._guard:
                self._in_use.remove(key)

    def once(self, asked: Asked, act: Callable[[Transaction], Answer]) -> Answer:
        """Act and remember the answer in one transaction, or replay the answer of the first time."""
        with self._ledger.transaction(asked.key) as tx:
            if asked.key is None:
                return _answer(lambda: act(tx))
            tx.write(FORGET_OLD, key=asked.key, now=tx.created, lifetime=KEY_LIFETIME_SECONDS)
            known = tx.one(FIND, key=asked.key)
            if known is None:
                answer = _answer(lambda: act(tx))
                _keep(tx, asked, answer)
                return answer
            if known["fingerprint"] != asked.fingerprint:
                raise KeyReused(
                    "Keys for idempotent requests can only be used with the same parameters they were first "
                    f"used with. Try using a key other than '{asked.key}' if you meant another request."
                )
            return replace(_answer(lambda: _replay(tx, known)), replayed=True)


def _answer(act: Callable[[], Answer]) -> Answer:
    """Turn a refusal that is remembered into an answer; any other one undoes the transaction."""
    try:
        return act()
    except StripeError as refusal:
        if not refusal.kept:
            raise
        return Answer(refusal.body(), refusal.status)


def _replay(tx: Transaction, known: Row) -> Answer:
    if known["follows"]:
        return confirmations.outcome(tx, known["follows"])
    return Answer(json.loads(known["body"]), known["status"])


def _keep(tx: Transaction, asked: Asked, answer: Answer) -> None:
    tx.write(
        KEEP,
        key=asked.key,
        created=tx.created,
        fingerprint=asked.fingerprint,
        status=None if answer.follows else answer.status,
        body=None if answer.follows else json.dumps(answer.body),
        follows=answer.follows,
    )
