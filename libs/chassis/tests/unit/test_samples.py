import threading

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Gauge

from chassis.pool_measures import PoolMeasures
from chassis.samples import Level, Sampler
from chassis.testing.waiting import until


@pytest.fixture
def gauge():
    return Gauge("level", "", registry=CollectorRegistry())


def read(gauge):
    return gauge.collect()[0].samples[0].value


def test_the_levels_of_several_things_add_up(gauge):
    one, other = Level(gauge), Level(gauge)
    one.tell(3)
    other.tell(4)
    one.tell(1)
    assert read(gauge) == 5


def test_a_sampler_looks_until_it_is_closed():
    looks, ended = [], threading.Event()
    sampler = Sampler(lambda: looks.append(1), at_end=ended.set, interval_seconds=0.01)
    until(lambda: len(looks) >= 3)
    sampler.close()
    assert ended.wait(10)


def pool_sample(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0


def test_a_pool_tells_what_it_holds_and_adds_what_happened():
    stats = {"pool_size": 5, "pool_available": 2, "pool_max": 10, "requests_waiting": 1}
    names = ("db_pool_waits_total", "db_pool_wait_seconds_total", "db_pool_timeouts_total")
    before = [pool_sample(name) for name in names]
    in_use = pool_sample("db_pool_connections", state="in_use")
    measures = PoolMeasures(lambda: stats)
    measures.look()
    assert pool_sample("db_pool_connections", state="in_use") == in_use + 3
    stats |= {"requests_queued": 4, "requests_wait_ms": 1500, "requests_errors": 2}
    measures.look()
    measures.look()
    assert [pool_sample(name) - old for name, old in zip(names, before, strict=True)] == pytest.approx(
        [4, 1.5, 2]
    )
    measures.forget()
    assert pool_sample("db_pool_connections", state="in_use") == in_use
