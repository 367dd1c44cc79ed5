"""Redis that goes away and comes back: who waits for it, how long, and what is told."""

import logging
import time

import gevent
import pytest

from gateway.counters import OwnCounters
from gateway.shared_counters import Redis, RedisAway, SharedCounters


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def redis(valkey, clock):
    connected = Redis.connect(valkey.url, timeout_seconds=2, pause_seconds=5, monotonic=clock)
    connected.ask(lambda counters: counters.incr("warm", 60))
    return connected


def count(counters):
    return counters.incr("a", 60)


def test_processes_count_together(valkey):
    processes = [Redis.connect(valkey.url, timeout_seconds=10, pause_seconds=5) for _ in range(3)]
    assert [each.ask(count) for each in processes] == [1, 2, 3]


def test_a_process_has_one_connection_however_many_ask_at_once(valkey, redis):
    asking = [gevent.spawn(redis.ask, count) for _ in range(50)]
    gevent.joinall(asking, raise_error=True)
    assert sorted(each.value for each in asking) == list(range(1, 51))
    assert valkey.clients() == 1


def test_a_connection_that_was_closed_meanwhile_is_no_failure(valkey, redis):
    valkey.cut()
    assert redis.ask(count) == 1


@pytest.mark.parametrize("trouble", ["freeze", "stop"])
def test_while_it_is_away_only_one_waits_for_it_in_each_pause(valkey, redis, clock, caplog, trouble):
    counters = SharedCounters(redis, OwnCounters())
    assert count(counters) == 1
    getattr(valkey, trouble)()
    with caplog.at_level(logging.INFO):
        assert [count(counters) for _ in range(100)] == list(range(1, 101))
        for _ in range(3):
            clock.now += 5.1
            began = time.monotonic()
            assert count(counters) > 100
            assert time.monotonic() - began < 10
            assert all_at_once(redis) < 0.5
    assert [line.message for line in caplog.records] == ["Redis does not answer: this process counts alone"]


def all_at_once(redis):
    """Return how long a thousand refusals to ask take, in seconds."""
    began = time.monotonic()
    for _ in range(1000):
        with pytest.raises(RedisAway):
            redis.ask(count)
    return time.monotonic() - began


def test_it_is_asked_again_after_the_pause_and_the_own_memory_is_left(valkey, redis, clock, caplog):
    counters = SharedCounters(redis, OwnCounters())
    assert [count(counters), count(counters)] == [1, 2]
    valkey.freeze()
    assert count(counters) == 1
    valkey.thaw()
    assert count(counters) == 2
    clock.now += 5.1
    with caplog.at_level(logging.INFO):
        assert count(counters) >= 3  # where it was, and what was asked for in vain
    assert caplog.records[-1].message == "Redis answers again: all processes count together"


def test_a_server_that_was_started_anew_is_found_again(valkey, redis, clock):
    counters = SharedCounters(redis, OwnCounters())
    valkey.stop()
    count(counters)
    valkey.start()
    clock.now += 5.1
    assert count(counters) == 1
    assert valkey.keys()


def test_those_who_wait_while_it_hangs_wait_no_longer_than_the_first(valkey, redis):
    valkey.freeze()
    began = time.monotonic()
    asking = [gevent.spawn(redis.ask, count) for _ in range(50)]
    gevent.joinall(asking, timeout=10)
    assert all(isinstance(each.exception, RedisAway) for each in asking)
    assert time.monotonic() - began < 6


def test_an_answer_that_comes_late_is_not_taken_for_another(valkey, redis, clock):
    redis.ask(lambda counters: counters.incr("b", 60, amount=100))
    valkey.freeze()
    with pytest.raises(RedisAway):
        redis.ask(lambda counters: counters.get("b"))
    valkey.thaw()
    clock.now += 5.1
    assert redis.ask(lambda counters: counters.get("nothing")) == 0
