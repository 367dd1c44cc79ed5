"""Which instance is asked, and who is one."""

import pytest

from gateway.upstream.breaker import REFUSED, Breaker
from gateway.upstream.group import Group
from gateway.upstream.message import Message
from gateway.upstream.sources import Address

A, B, C = (Address(name, 8000) for name in "abc")
GET = Message("GET", b"", b"", 0.0)
POST = Message("POST", b"", b"", 0.0)


class FakeInstance:
    """What a group knows of an instance."""

    def __init__(self, address):
        self.authority = f"{address.host}:{address.port}"
        self.breaker = Breaker(failures=1, pause_seconds=0.0, longest_seconds=0.0)
        self.in_flight = 0
        self.ready = True
        self.retired = False

    def retire(self):
        self.retired = True


@pytest.fixture
def group():
    group = Group("orders", FakeInstance, lambda group, instance: None)
    group.update([A, B, C])
    return group


def instance(group, address):
    return next(each for each in group.instances if each.authority.startswith(address.host))


def chosen(group, message=GET, times=1, tried=()):
    return [group.choose(message, tried).authority[0] for _ in range(times)]


def test_equals_are_asked_in_turn(group):
    assert sorted(chosen(group, times=6)) == ["a", "a", "b", "b", "c", "c"]


def test_the_one_with_the_least_in_flight_is_asked(group):
    instance(group, A).in_flight = 2
    instance(group, C).in_flight = 1
    assert chosen(group, times=3) == ["b", "b", "b"]


def test_one_that_was_tried_is_not_asked_again(group):
    first = [instance(group, A), instance(group, B)]
    assert chosen(group, tried=first) == ["c"]
    assert group.choose(GET, group.instances) is None


def test_one_that_fails_is_left_alone(group):
    instance(group, A).breaker.failed("lost")
    assert set(chosen(group, times=9)) == {"b", "c"}


def test_the_unready_are_asked_only_where_nobody_is_ready(group):
    instance(group, A).ready = instance(group, B).ready = False
    group.refresh()
    assert set(chosen(group, times=9)) == {"c"}
    instance(group, C).ready = False
    group.refresh()
    assert set(chosen(group, times=9)) == {"a", "b", "c"}


def test_a_trial_is_one_request_that_may_be_repeated(group):
    doubtful = instance(group, A)
    doubtful.breaker.failed("lost")
    doubtful.breaker.reachable()
    assert set(chosen(group, POST, times=9)) == {"b", "c"}
    assert chosen(group) == ["a"]
    assert set(chosen(group, times=9)) == {"b", "c"}
    doubtful.breaker.succeeded()
    assert set(chosen(group, times=9)) == {"a", "b", "c"}


def test_with_nobody_else_any_request_is_the_trial(group):
    group.update([A])
    instance(group, A).breaker.failed("lost")
    assert group.choose(POST) is None
    instance(group, A).breaker.reachable()
    assert chosen(group, POST) == ["a"]
    assert group.choose(POST) is None


def test_who_refused_the_last_connection_is_asked_where_there_is_nobody_else(group):
    for address in (A, B, C):
        instance(group, address).breaker.failed(REFUSED)
    first = group.choose(POST)
    assert first is not None and group.choose(POST, [first]) is not first
    assert group.choose(POST, group.instances) is None
    instance(group, C).breaker.succeeded()
    assert chosen(group, times=3) == ["c"] * 3


def test_who_is_listed_no_more_is_retired_and_the_others_stay(group):
    left, stays = instance(group, A), instance(group, B)
    group.update([B, C])
    assert left.retired and instance(group, B) is stays
    assert set(chosen(group, times=9)) == {"b", "c"}
    group.update([])
    assert group.choose(GET) is None


def test_the_failures_of_one_that_has_left_change_nothing(group):
    left = instance(group, A)
    group.update([B])
    left.breaker.failed("lost")
    assert chosen(group) == ["b"]
