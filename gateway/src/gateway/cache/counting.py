"""How often the cache helped, and how full it is, in the metrics."""

from prometheus_client import Counter, Gauge

from gateway.cache.answering import Cache
from gateway.channel import Reactor

_COUNT_SECONDS = 1.0
_requests = Counter("gateway_cache_requests", "Requests on cached routes by what the cache did", ("outcome",))
_bytes = Gauge("gateway_cache_bytes", "Bytes of kept answers", multiprocess_mode="livesum")
_entries = Gauge("gateway_cache_entries", "Kept answers", multiprocess_mode="livesum")


def count_each_second(reactor: Reactor, cache: Cache) -> None:
    """Tell the metrics once a second: one by one it would cost more than a hit."""
    timer = reactor.loop.timer(_COUNT_SECONDS, _COUNT_SECONDS, ref=False)
    timer.start(tell, cache)


def tell(cache: Cache) -> None:
    """Tell the metrics what has come up since the last time."""
    for outcome, number in cache.outcomes.items():
        _requests.labels(outcome).inc(number)
    cache.outcomes.clear()
    _bytes.set(cache.store.bytes)
    _entries.set(len(cache.store))
