"""Feed: changes of orders, for the clients that wait for them, as server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from chassis.errors import ServiceError
from chassis.presenting import dump_bytes, presenter
from orders.domain import Order
from orders.schemas import OrderView

RECONNECT = b"retry: 3000\n\n"
HEARTBEAT = b": still here\n\n"
# A browser comes back by itself when a stream ends. Where nothing can change any more, a day later is early enough.
FAREWELL = b"retry: 86400000\n\n"

logger = logging.getLogger(__name__)
present = presenter(OrderView)


@dataclass(eq=False)
class _Follower:
    """One client. It is told of versions later than the one it knows, and None when it has to go."""

    order_id: UUID
    version: int
    changes: queue.SimpleQueue[Order | None] = field(default_factory=queue.SimpleQueue)


class Feed:
    """Watches the orders that clients of this process wait for: one query a poll, however many they are.

    Two changes within one poll are told as one. `changed_since` is given the known version of each order.
    """

    def __init__(
        self,
        changed_since: Callable[[Mapping[UUID, int]], list[Order]],
        is_draining: Callable[[], bool],
        *,
        poll_seconds: float = 0.5,
        heartbeat_seconds: float = 15.0,
        lifetime_seconds: float = 600.0,
    ) -> None:
        self._changed_since = changed_since
        self._is_draining = is_draining
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._lifetime_seconds = lifetime_seconds
        self._lock = threading.Lock()
        self._followers: set[_Follower] = set()
        self._poller: threading.Thread | None = None

    def follow(self, order: Order) -> Iterator[bytes]:
        """Give the order's state now and after each change, until it is final or the lifetime is over."""
        follower = _Follower(order.id, order.version)
        ends_at = time.monotonic() + self._lifetime_seconds
        self._join(follower)
        try:
            yield RECONNECT + _event(order)
            while not order.is_final and (left := ends_at - time.monotonic()) > 0:
                try:
                    change = follower.changes.get(timeout=min(left, self._heartbeat_seconds))
                except queue.Empty:
                    yield HEARTBEAT
                    continue
                if change is None:
                    return
                order = change
                yield _event(order)
            if order.is_final:
                yield FAREWELL
        finally:
            self._leave(follower)

    def _join(self, follower: _Follower) -> None:
        with self._lock:
            self._followers.add(follower)
            if self._poller is None or not self._poller.is_alive():
                self._poller = threading.Thread(target=self._poll, name="feed", daemon=True)
                self._poller.start()

    def _leave(self, follower: _Follower) -> None:
        with self._lock:
            self._followers.discard(follower)

    def _poll(self) -> None:
        while followers := self._waiting():
            if self._is_draining():
                for follower in followers:
                    follower.changes.put(None)
                return
            self._tell(followers)
            time.sleep(self._poll_seconds)

    def _waiting(self) -> list[_Follower]:
        """Who waits. Where nobody does the poller ends, and the next to join starts another."""
        with self._lock:
            if not self._followers:
                self._poller = None
            return list(self._followers)

    def _tell(self, followers: list[_Follower]) -> None:
        known: dict[UUID, int] = {}
        for follower in followers:
            known[follower.order_id] = min(follower.version, known.get(follower.order_id, follower.version))
        try:
            changed = {order.id: order for order in self._changed_since(known)}
        except ServiceError as error:
            logger.warning("orders cannot be watched", extra={"cause": error.code})
            return
        for follower in followers:
            order = changed.get(follower.order_id)
            if order is not None and order.version > follower.version:
                follower.version = order.version
                follower.changes.put(order)


def _event(order: Order) -> bytes:
    return b"id: %d\nevent: order\ndata: %b\n\n" % (order.version, dump_bytes(present(order)))
