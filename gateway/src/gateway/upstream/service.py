"""A service as the data path sees it: one name, behind which any instance may answer."""

import math
import time
from collections.abc import Callable
from functools import partial

from chassis.errors import DeadlineExceeded
from gateway.upstream import record
from gateway.upstream.budget import RetryBudget
from gateway.upstream.failures import (
    ConnectionLost,
    NotConnected,
    UpstreamBusy,
    UpstreamOverloaded,
    UpstreamUnavailable,
)
from gateway.upstream.group import Group
from gateway.upstream.instance import Instance
from gateway.upstream.limit import Limit
from gateway.upstream.link import Link
from gateway.upstream.message import Message, Pieces

_WHOLE = 1 - 1e-9  # shares are no exact numbers
_LOST = "The service ended the connection."


class Service:
    """The service `name`, of which `connections` requests may be in flight from this process, and fewer while so many
    are too many for it; a share of them goes to the instances in `canary`, where there is one."""

    def __init__(self, name: str, stable: Group, canary: Group | None = None, *, connections: int) -> None:
        self.name = name
        self.stable = stable
        self.canary = canary
        self._owed = 0.0  # to the canary, in requests
        self._limit = Limit(connections, on_change=partial(record.allowed, name))
        self._in_flight = 0
        self._budget = RetryBudget()

    @property
    def instances(self) -> list[Instance]:
        """All that are listed."""
        return [*self.stable.instances, *(self.canary.instances if self.canary is not None else ())]

    def releases(self) -> frozenset[str]:
        """Return the releases that its instances say they are."""
        return frozenset(each.version for each in self.instances if each.version)

    def ask(self, message: Message) -> Link:
        """Send a whole request and return the link on which its answer has begun; give it back with `release`.

        Where no connection can be made another instance is asked; where one is lost before the answer begins, and
        repeating does no harm, once more, another if there is one.
        Raises UpstreamUnavailable, UpstreamBusy, UpstreamOverloaded, BadUpstreamAnswer, DeadlineExceeded.
        """
        self._enter()
        began = time.monotonic()
        try:
            link = self._ask(message)
        except BaseException as failure:
            if isinstance(failure, DeadlineExceeded):
                self._observe(message, began)
            self._leave()
            raise
        self._observe(message, began)
        return link

    def ask_in_pieces(self, message: Message, pieces: Pieces) -> Link:
        """Do the same with a request that is still being made, which can be sent only once. Raises also whatever making
        a piece raises."""
        self._enter()
        try:
            return self._connected(message, lambda instance: instance.ask_in_pieces(message, pieces), [])
        except ConnectionLost:
            self._leave()
            raise UpstreamUnavailable(_LOST) from None
        except BaseException:
            self._leave()
            raise

    def release(self, link: Link) -> None:
        """Take a link back."""
        self._leave()
        link.instance.release(link)

    def close(self) -> None:
        """Close what is idle."""
        self.stable.close()
        if self.canary is not None:
            self.canary.close()

    def _enter(self) -> None:
        if self._in_flight >= self._limit.allowed:
            record.shed(self.name)
            if self._limit.engaged:
                self._limit.refused()
                raise UpstreamOverloaded(retry_after_seconds=1)
            raise UpstreamBusy(retry_after_seconds=1)
        self._in_flight += 1
        self._budget.earn()

    def _leave(self) -> None:
        self._in_flight -= 1
        if not self._in_flight and self._limit.engaged:
            self._limit.reset()

    def _observe(self, message: Message, began: float) -> None:
        if message.kind is not None:
            self._limit.observe(message.kind, began, time.monotonic())

    def _ask(self, message: Message) -> Link:
        tried: list[Instance] = []
        try:
            return self._connected(message, lambda instance: instance.ask(message), tried)
        except ConnectionLost as lost:
            if not message.repeatable:
                raise UpstreamUnavailable(_LOST) from None
            try:
                return self._once_more(message, tried, lost)
            except ConnectionLost:
                raise UpstreamUnavailable(_LOST) from None

    def _connected(self, message: Message, ask: Callable[[Instance], Link], tried: list[Instance]) -> Link:
        """Ask one instance after another until one can be connected to; `tried` tells which were asked."""
        cause: BaseException | None = None
        group = self._group(message)
        while (instance := self._choose(group, message, tried)) is not None:
            tried.append(instance)
            try:
                return ask(instance)
            except NotConnected as failure:
                cause = failure.__cause__
        if tried:
            raise UpstreamUnavailable(retry_after_seconds=1) from cause
        wait = self.stable.wait_seconds()
        raise UpstreamUnavailable(
            "No instance can be asked now.", retry_after_seconds=max(1, math.ceil(wait))
        )

    def _group(self, message: Message) -> Group:
        if self.canary is None or not message.canary:
            return self.stable
        if message.canary < 1:
            self._owed += message.canary
            if self._owed < _WHOLE:
                return self.stable
            self._owed -= 1
        return self.canary

    def _choose(self, group: Group, message: Message, tried: list[Instance]) -> Instance | None:
        if group is not self.stable and group.inviting:
            instance = group.choose(message, tried)
            if instance is not None:
                return instance
        return self.stable.choose(message, tried)

    def _once_more(self, message: Message, tried: list[Instance], lost: ConnectionLost) -> Link:
        last = tried[-1]
        another = self.stable.choose(message, tried)
        if another is None and not lost.reused:
            raise lost
        paid = self._budget.spend()
        record.retried(self.name, paid=paid)
        if not paid:
            raise lost
        try:
            return last.ask(message, fresh=True) if another is None else another.ask(message)
        except NotConnected as failure:
            raise UpstreamUnavailable(retry_after_seconds=1) from failure.__cause__
