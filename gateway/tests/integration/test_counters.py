"""Counters keep one contract, whether they are in the own memory, in Redis, or in Redis with the memory behind it."""

import pytest
from limits import parse
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from gateway.counters import OwnCounters
from gateway.rates import Rate, RateLimited
from gateway.shared_counters import Redis, SharedCounters


def own(url):
    return OwnCounters()


def in_redis(url):
    return RedisStorage(url, socket_timeout=10)


def shared(url):
    return SharedCounters(Redis.connect(url, timeout_seconds=10, pause_seconds=60), OwnCounters())


def shared_without_redis(url):
    return SharedCounters(
        Redis.connect("redis://127.0.0.1:1", timeout_seconds=10, pause_seconds=60), OwnCounters()
    )


@pytest.fixture(params=[own, in_redis, shared, shared_without_redis], ids=lambda make: make.__name__)
def counters(request, valkey):
    return request.param(valkey.url)


def test_a_counter_counts_until_it_is_cleared(counters):
    assert counters.get("a") == 0
    assert [counters.incr("a", 60), counters.incr("a", 60, amount=5)] == [1, 6]
    assert (counters.get("a"), counters.get("b")) == (6, 0)
    counters.clear("a")
    counters.clear("b")
    assert counters.get("a") == 0 and counters.incr("a", 60) == 1


def test_a_counter_begins_anew_so_long_after_its_first(counters, until):
    counters.incr("a", 1)
    first = counters.get_expiry("a")
    counters.incr("a", 60)
    assert counters.get_expiry("a") == pytest.approx(first, abs=1.1)
    until(lambda: counters.get("a") == 0)


def test_a_window_takes_as_much_as_it_may_and_tells_what_is_left(counters):
    limiter, rate = SlidingWindowCounterRateLimiter(counters), parse("10/hour")
    assert limiter.get_window_stats(rate, "anna").remaining == 10
    assert limiter.hit(rate, "anna", cost=7) and not limiter.hit(rate, "anna", cost=4)
    assert limiter.get_window_stats(rate, "anna").remaining == 3
    assert limiter.hit(rate, "anna", cost=3) and not limiter.hit(rate, "anna")
    assert limiter.hit(rate, "ben", cost=10)
    limiter.clear(rate, "anna")
    assert limiter.get_window_stats(rate, "anna").remaining == 10


def test_a_window_slides(counters, until):
    limiter, rate = SlidingWindowCounterRateLimiter(counters), parse("10/second")
    assert limiter.hit(rate, "anna", cost=10) and not limiter.hit(rate, "anna")
    until(lambda: limiter.hit(rate, "anna"))
    assert not limiter.hit(rate, "anna", cost=10)


def test_a_rate_is_kept(counters):
    rate, granted = Rate("user", "500/hour", counters), 0
    with pytest.raises(RateLimited):
        for _ in range(1000):
            rate.spend("anna", 1.0)
            granted += 1
    assert granted == 500


def test_all_can_be_forgotten(counters):
    counters.incr("a", 60)
    counters.reset()
    assert counters.get("a") == 0 and counters.check()
