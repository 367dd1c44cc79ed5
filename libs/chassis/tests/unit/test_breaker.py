import threading

import pytest

from chassis.breaker import Breaker


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(failures=3, pause_seconds=2, trial_seconds=10, monotonic=clock)


def open_up(breaker):
    for _ in range(3):
        assert breaker.wait_seconds() == 0
        breaker.failed()


def test_it_opens_after_so_many_failures_in_a_row(breaker):
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    open_up(breaker)
    assert breaker.wait_seconds() == 2


def test_after_the_pause_one_call_alone_is_let_through(breaker, clock):
    open_up(breaker)
    clock.now = 2.0
    assert breaker.wait_seconds() == 0
    assert breaker.wait_seconds() > 0


def test_a_trial_that_succeeds_closes_it(breaker, clock):
    open_up(breaker)
    clock.now = 2.0
    breaker.wait_seconds()
    breaker.succeeded()
    assert breaker.wait_seconds() == breaker.wait_seconds() == 0


def test_a_trial_that_fails_opens_it_again(breaker, clock):
    open_up(breaker)
    clock.now = 2.0
    breaker.wait_seconds()
    breaker.failed()
    assert breaker.wait_seconds() == 2


def test_a_trial_that_says_nothing_leaves_its_place_to_the_next(breaker, clock):
    open_up(breaker)
    clock.now = 2.0
    breaker.wait_seconds()
    breaker.abandoned()
    assert breaker.wait_seconds() == 0
    assert breaker.wait_seconds() > 0


def test_a_trial_that_never_ends_does_not_keep_it_open(breaker, clock):
    open_up(breaker)
    clock.now = 2.0
    breaker.wait_seconds()
    clock.now = 12.0
    assert breaker.wait_seconds() == 0


def test_a_call_that_began_before_it_opened_does_not_shorten_the_pause(breaker, clock):
    open_up(breaker)
    clock.now = 1.0
    breaker.failed()
    assert breaker.wait_seconds() == 2


def test_of_many_threads_one_makes_the_trial(breaker, clock):
    open_up(breaker)
    clock.now = 2.0
    waits = []
    threads = [threading.Thread(target=lambda: waits.append(breaker.wait_seconds())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits.count(0) == 1


def test_it_tells_whether_the_peer_is_left_alone(breaker):
    assert not breaker.open
    open_up(breaker)
    assert breaker.open
    breaker.succeeded()
    assert not breaker.open
