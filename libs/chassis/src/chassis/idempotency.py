"""Idempotency: one effect and one answer for one key; the key, the answer and the write are one transaction.

After the IETF draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header-07).
"""

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from chassis import context
from chassis.errors import Conflict, DeadlineExceeded, Invalid, Unavailable
from chassis.ids import new_id
from chassis.postgres import Transaction
from chassis.presence import PRESENCE_LOCKS

HOLD = timedelta(seconds=30)
RETRY_AFTER_SECONDS = 1
ABANDON_SECONDS = 1.0
log = logging.getLogger(__name__)

Present = Callable[[Any], tuple[int, bytes]]


class KeyReused(Invalid):
    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request"


class RequestInProgress(Conflict):
    code = "request_in_progress"
    title = "The first request with this Idempotency-Key is still running"


class Replay(Exception):
    """The request was answered before: `status` and `body` are that answer, byte for byte."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"answered before with status {status}")
        self.status = status
        self.body = body


class Once:
    """One request with an Idempotency-Key, given to the use case that it asks for.

    A use case of one step calls `begin`, writes, and calls `end`, in one transaction. One that calls a peer
    between calls `begin` and writes in one transaction, and `end` in a second. Whatever they create carries
    `id`, which is the same in every retry; so does the key they give to the peer.
    """

    def __init__(self, *, caller: str, route: str, key: str, fingerprint: bytes, present: Present) -> None:
        """Take the key of a `caller` (user id) for a `route` (its template); `present` turns a use case's
        result, or a ServiceError that is final, into the status and the body to store."""
        self._scope = {"caller": caller, "route": route, "key": key}
        self._fingerprint = fingerprint
        self._present = present
        self._id: uuid.UUID | None = None
        self._begun: Transaction | None = None
        self._ended: Transaction | None = None

    @property
    def id(self) -> uuid.UUID:
        """The id of the effect: stable for this caller, route and key once `begin` was called."""
        if self._id is None:
            raise RuntimeError("begin() gives the id")
        return self._id

    def look(self, tx: Transaction) -> None:
        """Claim nothing; raise Replay if the request was answered, KeyReused if the key was used for another
        one."""
        row = self._row(tx)
        if row is not None:
            self._refuse_if_other_or_answered(row)

    def begin(self, tx: Transaction) -> None:
        """Claim the key in this transaction.

        Raises Replay, KeyReused, and RequestInProgress while the first request's transaction is open, or its
        claim is committed, younger than 30 s and its process alive. An abandoned claim is taken over with its
        id.
        """
        tx.require_open()
        claim = {**self._scope, "fingerprint": self._fingerprint, "lock": self._lock_number(), "hold": HOLD}
        claim |= {"id": new_id(), "holder": tx.database.presence.number()}
        claimed = _claim(tx, claim)
        if not claimed["free"]:
            raise RequestInProgress(retry_after_seconds=RETRY_AFTER_SECONDS)
        self._id, tx.now = claimed["id"], claimed["now"]
        if self._id is None:
            self._take_over(tx, claim)
        self._begun = tx

    def end(self, tx: Transaction, result: Any) -> None:
        """Store the answer in this transaction; `result` may be a ServiceError that no retry should change.

        Raises Replay if a retry, which held this claim for abandoned, answered first: this transaction's
        writes are rolled back, and both tell the same. In a pipeline that is found out before the commit.
        """
        tx.require_open()
        status, body = self._present(result)
        stored = tx.conn.execute(
            """
            UPDATE idempotency_keys
            SET status = %(status)s,
                body = %(body)s
            WHERE caller = %(caller)s
              AND route = %(route)s
              AND key = %(key)s
              AND id = %(id)s
              AND status IS NULL
            """,
            {**self._scope, "id": self.id, "status": status, "body": body},
        )
        tx.once_sent(lambda: self._require(tx, stored.rowcount))
        self._ended = tx

    def release(self, tx: Transaction) -> None:
        """Let a retry take over at once: for a request that failed between its two transactions."""
        tx.conn.execute(
            """
            UPDATE idempotency_keys
            SET held_until = now()
            WHERE caller = %(caller)s
              AND route = %(route)s
              AND key = %(key)s
              AND id = %(id)s
              AND status IS NULL
            """,
            {**self._scope, "id": self._id},
        )

    def abandon(self) -> None:
        """Let a retry take over at once, if the claim is committed and the answer is not: for a request that
        failed between its two transactions. Without a database the claim holds for its 30 s."""
        if self._begun is None or not self._begun.committed or (self._ended and self._ended.committed):
            return
        last = context.RequestContext(
            request_id=context.current().request_id, deadline=time.monotonic() + ABANDON_SECONDS
        )
        try:
            with context.use(last), self._begun.database.transaction() as tx:
                self.release(tx)
        except (Unavailable, DeadlineExceeded) as error:
            log.warning("an idempotency key stays claimed", extra={"cause": error.code})

    def _require(self, tx: Transaction, stored: int) -> None:
        if stored == 0:
            self.look(tx)
            raise RuntimeError("the claim of this idempotency key is gone")

    def _take_over(self, tx: Transaction, claim: dict[str, Any]) -> None:
        row = self._row(tx)
        if row is None:
            raise RequestInProgress("the key has just expired", retry_after_seconds=RETRY_AFTER_SECONDS)
        self._refuse_if_other_or_answered(row)
        if row["held"] and _lives(tx, row["holder"]):
            raise RequestInProgress(retry_after_seconds=RETRY_AFTER_SECONDS)
        tx.conn.execute(
            """
            UPDATE idempotency_keys
            SET holder = %(holder)s,
                held_until = now() + %(hold)s
            WHERE caller = %(caller)s
              AND route = %(route)s
              AND key = %(key)s
            """,
            claim,
        )
        self._id = row["id"]

    def _row(self, tx: Transaction) -> dict[str, Any] | None:
        return tx.conn.execute(
            """
            SELECT id,
                   fingerprint,
                   holder,
                   held_until > now() AS held,
                   status,
                   body
            FROM idempotency_keys
            WHERE caller = %(caller)s
              AND route = %(route)s
              AND key = %(key)s
            """,
            self._scope,
        ).fetchone()

    def _refuse_if_other_or_answered(self, row: dict[str, Any]) -> None:
        if row["fingerprint"] != self._fingerprint:
            raise KeyReused()
        if row["status"] is not None:
            raise Replay(row["status"], row["body"])

    def _lock_number(self) -> int:
        scope = json.dumps(sorted(self._scope.items())).encode()
        return int.from_bytes(hashlib.sha256(scope).digest()[:8], signed=True)


def _claim(tx: Transaction, claim: dict[str, Any]) -> dict[str, Any]:
    # The lock keeps a duplicate from waiting in the unique index for the first one's commit: it is told at
    # once. The transaction's time comes along, for use cases that want to know it.
    return tx.conn.execute(  # type: ignore[return-value]
        """
        WITH door AS MATERIALIZED (
            SELECT pg_try_advisory_xact_lock(%(lock)s) AS free
        ), claim AS (
            INSERT INTO idempotency_keys (caller, route, key, id, fingerprint, holder, held_until)
            SELECT %(caller)s, %(route)s, %(key)s, %(id)s, %(fingerprint)s, %(holder)s, now() + %(hold)s
            FROM door
            WHERE free
            ON CONFLICT DO NOTHING
            RETURNING id
        )
        SELECT free,
               (SELECT id FROM claim) AS id,
               now() AS now
        FROM door
        """,
        claim,
    ).fetchone()


def _lives(tx: Transaction, holder: int) -> bool:
    lock = tx.conn.execute(
        "SELECT pg_try_advisory_xact_lock_shared(%s, %s) AS free",
        (PRESENCE_LOCKS, holder),
    ).fetchone()
    return not lock["free"]
