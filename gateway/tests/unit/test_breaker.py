"""When an instance is left alone, for how long, and how it comes back."""

import pytest

from gateway.upstream.breaker import CLOSED, HALF_OPEN, LOST, OPEN, REFUSED, SILENT, Breaker


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(failures=3, pause_seconds=1.0, longest_seconds=5.0, monotonic=clock, chance=lambda: 0.5)


def fail(breaker, times, why="no proper answer"):
    for _ in range(times):
        breaker.failed(why)


def half_open(breaker, clock):
    fail(breaker, 3)
    clock.now += breaker.wait_seconds()
    breaker.reachable()


def test_it_opens_after_so_many_failures_in_a_row(breaker):
    fail(breaker, 2)
    assert breaker.state == CLOSED
    fail(breaker, 1)
    assert breaker.state == OPEN


def test_an_answer_in_between_begins_the_row_anew(breaker):
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.state == CLOSED


def test_it_is_not_asked_before_its_pause_is_over(breaker, clock):
    fail(breaker, 3)
    clock.now += 0.9
    breaker.reachable()
    assert breaker.state == OPEN and breaker.wait_seconds() == pytest.approx(0.1)


def test_after_failed_requests_one_request_is_the_trial(breaker, clock):
    half_open(breaker, clock)
    assert breaker.state == HALF_OPEN
    breaker.try_once()
    assert breaker.trying
    breaker.succeeded()
    assert breaker.state == CLOSED and not breaker.trying


def test_a_trial_that_says_nothing_leaves_room_for_another(breaker, clock):
    half_open(breaker, clock)
    breaker.try_once()
    breaker.abandoned()
    assert breaker.state == HALF_OPEN and not breaker.trying


def test_each_pause_is_longer_up_to_a_bound_and_an_answer_ends_that(breaker, clock):
    pauses = []
    half_open(breaker, clock)
    for _ in range(4):
        breaker.try_once()
        fail(breaker, 1)
        pauses.append(breaker.wait_seconds())
        clock.now += pauses[-1]
        breaker.reachable()
    assert pauses == [pytest.approx(each) for each in (2, 4, 5, 5)]
    breaker.succeeded()
    fail(breaker, 3)
    assert breaker.wait_seconds() == pytest.approx(1)


@pytest.mark.parametrize("why", [REFUSED, SILENT])
def test_who_could_not_be_reached_and_can_be_is_asked_again_by_all_at_once(breaker, why):
    for _ in range(4):
        breaker.unreachable(why)
        assert breaker.state == OPEN and breaker.wait_seconds() == 0
        breaker.reachable()
        assert breaker.state == CLOSED
    fail(breaker, 3, why)
    breaker.reachable()
    assert breaker.state == CLOSED


def test_with_nobody_else_no_pause_is_waited_for(breaker):
    fail(breaker, 3)
    breaker.reachable(alone=True)
    assert breaker.state == HALF_OPEN
    breaker.succeeded()
    fail(breaker, 3, LOST)
    breaker.reachable()
    assert breaker.state == OPEN
    breaker.reachable(alone=True)
    assert breaker.state == CLOSED


def test_who_refuses_connections_is_a_last_resort_and_who_is_silent_is_not(breaker):
    breaker.unreachable(SILENT)
    assert not breaker.last_resort
    breaker.unreachable(REFUSED)
    assert breaker.last_resort


def test_a_trial_that_takes_long_is_no_reason_to_keep_others_out(breaker, clock):
    half_open(breaker, clock)
    breaker.try_once()
    assert not breaker.last_resort
    clock.now += 0.25
    assert breaker.last_resort


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 0.8), (1.0, 1.2)])
def test_pauses_of_several_processes_differ(clock, chance, pause):
    breaker = Breaker(
        failures=1, pause_seconds=1.0, longest_seconds=5.0, monotonic=clock, chance=lambda: chance
    )
    fail(breaker, 1)
    assert breaker.wait_seconds() == pytest.approx(pause)


def test_changes_are_told_with_their_reason(breaker, clock):
    told = []
    breaker.on_change = lambda before, why: told.append((before, breaker.state, why))
    half_open(breaker, clock)
    breaker.succeeded()
    assert told == [
        (CLOSED, OPEN, "no proper answer"),
        (OPEN, HALF_OPEN, "it can be reached"),
        (HALF_OPEN, CLOSED, "it answers"),
    ]
