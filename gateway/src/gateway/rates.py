"""Rates: so many requests of each address and each user in so much time, counted in leases."""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Protocol

from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import SlidingWindowCounterRateLimiter

from chassis.errors import TooManyRequests
from gateway.remembered import Remembered

OFF = "off"
Network = IPv4Network | IPv6Network

_CALLERS = 50_000
_PEERS = 8192
_LARGEST_LEASE, _SMALLEST_LEASE = 20, 200  # the parts of a rate that one process takes at once
_HOLD_SECONDS = 1.0  # how long a caller over its rate is refused without asking the counters again


class Limited(Protocol):
    """What of a route matters here: `rate` is in the notation of `limits`, None without one."""

    template: str
    rate: str | None


class RateLimited(TooManyRequests):
    """`fields` are the header lines that tell the rate (draft-ietf-httpapi-ratelimit-headers)."""

    code = "rate_limited"
    title = "These are more requests than one caller may make in that time"

    def __init__(self, fields: bytes, retry_after_seconds: float) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)
        self.fields = fields


@dataclass(slots=True)
class _Lease:
    """What a caller may still ask without a look at the counters: `left` requests `until` then."""

    size: int
    left: int = 0
    taken_at: float = float("-inf")
    until: float = float("inf")
    fields: bytes = b""
    refused_until: float = float("-inf")
    retry_seconds: float = 0.0
    asking: bool = False


class Rate:
    """One rate in the notation of `limits`, of any number of callers.

    Looking at the counters costs more than all else that is done to a request: a part of the rate is taken at once,
    the larger the sooner the last one was used up, and spent from here. What a process has taken and not spent is
    missing elsewhere: that is about a tenth of the rate at most.
    """

    def __init__(
        self, name: str, notation: str, counters: Storage, *, scope: str = "", callers: int = _CALLERS
    ) -> None:
        self._item: RateLimitItem = parse(notation)
        self._scope = scope or name
        self._limiter = SlidingWindowCounterRateLimiter(counters)
        self._seconds = self._item.get_expiry()
        self._largest = max(1, self._item.amount // _LARGEST_LEASE)
        self._smallest = max(1, self._item.amount // _SMALLEST_LEASE)
        self._hold_seconds = min(_HOLD_SECONDS, self._seconds / 10)
        self._policy = (
            f'RateLimit-Policy: "{name}";q={self._item.amount};w={self._seconds}\r\nRateLimit: "{name}"'
        )
        self._leases: Remembered[_Lease] = Remembered(callers)

    def __len__(self) -> int:
        return len(self._leases)

    def spend(self, caller: str, now: float) -> bytes:
        """Count a request of a caller, at `now` in monotonic seconds; return the header lines that tell the rate.

        Raises RateLimited.
        """
        lease = self._leases.get(caller)
        if lease is None or lease.left <= 0 or now >= lease.until:
            lease = self._renew(caller, lease, now)
        lease.left -= 1
        return lease.fields

    def _renew(self, caller: str, lease: _Lease | None, now: float) -> _Lease:
        if lease is None:
            lease = _Lease(self._smallest)
            self._leases.put(caller, lease)
        if now < lease.refused_until:
            raise RateLimited(lease.fields, lease.retry_seconds)
        if now >= lease.until:
            lease.left = 0  # the counters have forgotten it as well
        granted = self._take(lease, caller, 1) if lease.asking else self._take_more(lease, caller, now)
        lease.left += granted
        if lease.left <= 0:
            lease.refused_until = now + self._hold_seconds
            raise RateLimited(lease.fields, lease.retry_seconds)
        return lease

    def _take_more(self, lease: _Lease, caller: str, now: float) -> int:
        lease.asking = True  # what else comes from this caller while Redis answers takes no second lease
        try:
            granted = self._take(lease, caller, self._fit(lease, now))
        finally:
            lease.asking = False
        lease.taken_at, lease.until = now, now + self._seconds
        return granted

    def _fit(self, lease: _Lease, now: float) -> int:
        age = now - lease.taken_at
        if age < self._seconds / 20:
            lease.size = min(lease.size * 2, self._largest)
        elif age > self._seconds / 10:
            lease.size = max(lease.size // 2, self._smallest)
        return lease.size

    def _take(self, lease: _Lease, caller: str, wanted: int) -> int:
        """Return how many of the wanted requests the counters grant."""
        item, limiter, names = self._item, self._limiter, (self._scope, caller)
        granted = wanted if limiter.hit(item, *names, cost=wanted) else 0
        found = limiter.get_window_stats(item, *names)
        left = found.remaining
        if not granted and 0 < left < wanted and limiter.hit(item, *names, cost=left):
            granted, left = left, 0
        lease.retry_seconds = max(1, math.ceil(found.reset_time - time.time()))
        lease.fields = f"{self._policy};r={left};t={lease.retry_seconds}\r\n".encode()
        return granted


class Rates:
    """The rate of each address, that of each user, and those of single routes; `off` is none. Requests from the
    exempt networks are not counted."""

    def __init__(
        self, counters: Storage, *, per_address: str, per_user: str, exempt: Iterable[Network] = ()
    ) -> None:
        self._counters = counters
        self._address = Rate("address", per_address, counters) if per_address != OFF else None
        self._user = Rate("user", per_user, counters) if per_user != OFF else None
        self._of_routes: dict[tuple[str, str], Rate] = {}
        networks = tuple(exempt)
        self._place = lru_cache(_PEERS)(lambda peer: _place(peer, networks))

    def of_address(self, peer: str, now: float) -> bytes:
        """Count a request of an address; return the header lines of its rate. Raises RateLimited."""
        if self._address is None or not (place := self._place(peer)):
            return b""
        return self._address.spend(place, now)

    def of_caller(self, route: Limited, user_id: str | None, peer: str, now: float) -> bytes:
        """Count a request of a user, and of a caller at a route that has a rate of its own: the user, or the address
        where nobody is signed in; return the header lines of these rates. Raises RateLimited."""
        if (user_id is None and route.rate is None) or not (place := self._place(peer)):
            return b""
        fields = b""
        if user_id is not None and self._user is not None:
            fields = self._user.spend(user_id, now)
        if route.rate is not None:
            fields += self._of_route(route.template, route.rate).spend(user_id or place, now)
        return fields

    def _of_route(self, template: str, notation: str) -> Rate:
        rate = self._of_routes.get((template, notation))
        if rate is None:
            rate = Rate("route", notation, self._counters, scope=f"route {template}")
            self._of_routes[template, notation] = rate
        return rate


def is_rate(value: object) -> bool:
    """Tell whether something is a rate in the notation of `limits`, as "30/minute" is."""
    try:
        return isinstance(value, str) and parse(value).amount > 0
    except ValueError:
        return False


def network_of(peer: str) -> str:
    """Return what counts as one address: of IPv6 the first 64 bits, as any one of the rest is its owner's to choose."""
    return _group(_address(peer))


def _place(peer: str, exempt: Sequence[Network]) -> str:
    """Return what is counted as one address, empty for one that is exempt."""
    address = _address(peer)
    return "" if address and any(address in network for network in exempt) else _group(address)


def _group(address: IPv4Address | IPv6Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address or "local")


def _address(peer: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(peer)
    except ValueError:
        return None  # a unix socket has none
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
