"""Rates: who is refused when, what is told about it, and what it costs to remember."""

from dataclasses import dataclass
from ipaddress import ip_network

import pytest

from gateway.counters import OwnCounters
from gateway.rates import Rate, RateLimited, Rates, is_rate, network_of


class Clock:
    """Time that passes when told to; not on a window's edge at its start."""

    def __init__(self):
        self.now = 1_000_020.0

    def __call__(self):
        return self.now


class CountedCounters(OwnCounters):
    """Counters that know how often they were asked to count."""

    asked = 0

    def acquire_sliding_window_entry(self, *arguments, **named):
        self.asked += 1
        return super().acquire_sliding_window_entry(*arguments, **named)


@dataclass
class Limited:
    template: str = "/api/v1/users"
    rate: str | None = None


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def counters(clock):
    return CountedCounters(now=clock)


def granted(spend, clock, requests, seconds=0.0):
    """Return how many of so many requests, spread over so many seconds, are let through."""
    passed = 0
    for _ in range(requests):
        clock.now += seconds / requests
        try:
            spend(clock.now)
        except RateLimited:
            continue
        passed += 1
    return passed


@pytest.mark.parametrize(
    ("notation", "requests", "seconds", "least", "most"),
    [
        ("10/minute", 10, 0, 10, 10),
        ("10/minute", 30, 0, 10, 10),
        ("10/minute", 100, 600, 90, 101),
        ("6000/minute", 20_000, 1, 6000, 6000),
        ("6000/minute", 24_000, 240, 22_000, 24_000),  # exactly at its rate, for four minutes
        ("6000/minute", 60_000, 240, 21_000, 30_000),
        ("1/second", 5, 0.1, 1, 1),
        ("5 per 10 seconds", 20, 0, 5, 5),
    ],
)
def test_a_caller_gets_its_rate_and_no_more(counters, clock, notation, requests, seconds, least, most):
    rate = Rate("user", notation, counters)
    assert least <= granted(lambda now: rate.spend("anna", now), clock, requests, seconds) <= most


def test_one_caller_takes_nothing_from_another(counters, clock):
    rate = Rate("user", "10/minute", counters)
    assert granted(lambda now: rate.spend("anna", now), clock, 50) == 10
    assert granted(lambda now: rate.spend("ben", now), clock, 50) == 10


def test_who_was_refused_may_come_back_when_told(counters, clock):
    rate = Rate("user", "10/minute", counters)
    granted(lambda now: rate.spend("anna", now), clock, 10)
    with pytest.raises(RateLimited) as refusal:
        rate.spend("anna", clock.now)
    assert 1 <= refusal.value.retry_after_seconds <= 60
    clock.now += 60 + 30
    assert granted(lambda now: rate.spend("anna", now), clock, 5) == 5


def test_an_answer_tells_the_rate_and_what_is_left(counters, clock):
    rate = Rate("user", "10/minute", counters)
    left = []
    for _ in range(10):
        policy, state, end = rate.spend("anna", clock.now).decode().split("\r\n")
        assert policy == 'RateLimit-Policy: "user";q=10;w=60' and end == ""
        name, remaining, seconds = state.split(";")
        assert name == 'RateLimit: "user"' and seconds.startswith("t=")
        left.append(int(remaining.removeprefix("r=")))
    assert left == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    with pytest.raises(RateLimited) as refusal:
        rate.spend("anna", clock.now)
    assert b'RateLimit: "user";r=0;t=%d\r\n' % refusal.value.retry_after_seconds in refusal.value.fields


def test_a_busy_caller_seldom_makes_the_counters_be_asked(counters, clock):
    rate = Rate("user", "6000/minute", counters)
    assert granted(lambda now: rate.spend("anna", now), clock, 5000, 5) == 5000
    assert counters.asked < 30


def test_a_slow_caller_on_many_processes_loses_nothing_by_leases(clock):
    shared = OwnCounters(now=clock)
    processes = [Rate("user", "6000/minute", shared) for _ in range(20)]
    for number in range(2000):
        clock.now += 0.05
        processes[number % 20].spend("anna", clock.now)


def test_who_is_over_the_rate_is_refused_without_asking_each_time(counters, clock):
    rate = Rate("user", "10/minute", counters)
    assert granted(lambda now: rate.spend("anna", now), clock, 1000) == 10
    assert counters.asked <= 12


def test_what_a_process_did_not_spend_is_no_longer_good_after_the_window(counters, clock):
    rate = Rate("user", "6000/minute", counters)
    rate.spend("anna", clock.now)
    clock.now += 300
    assert granted(lambda now: rate.spend("anna", now), clock, 20_000) == 6000


def test_many_callers_cost_bounded_memory(clock):
    counters = OwnCounters(1000, now=clock)
    rate = Rate("address", "100/minute", counters, callers=500)
    for number in range(5000):
        rate.spend(str(number), clock.now)
    assert len(rate) <= 500 and len(counters) <= 1000


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("", "local"),
    ],
)
def test_what_one_owner_can_choose_is_one_address(peer, network):
    assert network_of(peer) == network


@pytest.mark.parametrize(
    ("notation", "good"),
    [
        ("30/minute", True),
        ("30 per 5 minutes", True),
        ("0/minute", False),
        ("minute", False),
        ("", False),
        ("30/fortnight", False),
        (30, False),
    ],
)
def test_a_rate_is_written_as_the_library_reads_it(notation, good):
    assert is_rate(notation) is good


def spent(rates, route=None, *, user=None, peer="192.0.2.7"):
    """Return the names of the rates that a request is counted for."""
    fields = rates.of_address(peer, 1.0) + rates.of_caller(route or Limited(), user, peer, 1.0)
    return [line.split(b'"')[1].decode() for line in fields.split(b"\r\n") if line.startswith(b"RateLimit: ")]


def test_a_request_counts_for_its_address_its_user_and_its_route(counters):
    rates = Rates(counters, per_address="9/minute", per_user="9/minute", exempt=[ip_network("10.0.0.0/8")])
    limited = Limited(rate="9/minute")
    assert spent(rates) == ["address"]
    assert spent(rates, user="anna") == ["address", "user"]
    assert spent(rates, limited, user="anna") == ["address", "user", "route"]
    assert spent(rates, limited) == ["address", "route"]
    assert spent(rates, limited, user="anna", peer="10.1.2.3") == []


def test_a_rate_that_is_off_is_not_counted(counters):
    rates = Rates(counters, per_address="off", per_user="off")
    assert spent(rates, user="anna") == [] and counters.asked == 0
    assert spent(rates, Limited(rate="9/minute"), user="anna") == ["route"]


def test_a_route_counts_each_caller_and_each_route_apart(counters):
    rates = Rates(counters, per_address="off", per_user="off")
    register, other = Limited(rate="1/minute"), Limited("/other", rate="1/minute")
    for route, user, peer in [
        (register, None, "192.0.2.7"),
        (register, None, "192.0.2.8"),
        (register, "anna", "192.0.2.7"),
        (other, None, "192.0.2.7"),
    ]:
        assert spent(rates, route, user=user, peer=peer) == ["route"]
        with pytest.raises(RateLimited):
            spent(rates, route, user=user, peer=peer)


def test_a_route_whose_rate_is_changed_has_the_new_one_at_once(counters):
    rates = Rates(counters, per_address="off", per_user="off")
    spent(rates, Limited(rate="1/minute"))
    with pytest.raises(RateLimited):
        spent(rates, Limited(rate="1/minute"))
    assert spent(rates, Limited(rate="2/minute")) == ["route"]


def test_neighbours_of_one_ipv6_network_share_its_rate(counters):
    rates = Rates(counters, per_address="2/minute", per_user="off")
    assert [spent(rates, peer=f"2001:db8::{number}") for number in (1, 2)] == [["address"]] * 2
    with pytest.raises(RateLimited):
        spent(rates, peer="2001:db8::3")
    assert spent(rates, peer="2001:db8:0:1::1") == ["address"]
