"""How many requests a service is given: fewer where that makes it quicker, never where it is merely slow."""

import pytest
from queueing import Play, arriving

SEEDS = range(1, 5)


def about(seconds):
    return lambda now, chance: seconds * chance.uniform(0.9, 1.1)


@pytest.mark.parametrize(("capacity", "seconds"), [(24, 0.05), (30, 0.02), (40, 0.1), (60, 0.05)])
def test_at_three_times_the_load_those_let_in_are_answered_nearly_as_soon_as_ever(capacity, seconds):
    full = capacity / seconds
    calm = Play(arriving((full / 2, 15)), capacity=capacity, seconds_of=about(seconds))
    arrivals = arriving((full / 2, 5), (full * 3, 25))
    play = Play(arrivals, capacity=capacity, seconds_of=about(seconds), most=1024)
    assert not calm.shed
    assert play.p99(since=10) < 2 * calm.p99()
    assert len([began for began, _ in play.served if began >= 10]) > 0.9 * 15 * full


@pytest.mark.parametrize("seed", SEEDS)
def test_far_too_much_is_refused_within_a_second(seed):
    arrivals = arriving((250, 5), (1500, 10), seed=seed)
    play = Play(arrivals, capacity=10, seconds_of=about(0.02), most=4096, seed=seed)
    assert 5 < min(play.shed) < 6


@pytest.mark.parametrize("seed", SEEDS)
def test_once_the_load_is_gone_nothing_is_refused_any_more(seed):
    arrivals = arriving((80, 5), (480, 15), (80, 40), seed=seed)
    play = Play(arrivals, capacity=8, seconds_of=about(0.05), seed=seed)
    assert play.shed and max(play.shed) < 17 and play.limit.allowed == 128


@pytest.mark.parametrize("seed", SEEDS)
def test_a_service_slow_by_nature_is_given_all(seed):
    arrivals = arriving((20, 60), seed=seed)
    assert not Play(arrivals, capacity=1000, seconds_of=about(2.0), seed=seed).shed
    spread = Play(arrivals, capacity=1000, seconds_of=lambda now, chance: chance.uniform(0.5, 4), seed=seed)
    assert not spread.shed


def test_quick_and_slow_answers_of_one_kind_are_no_queue():
    mixed = Play(
        arriving((200, 30)),
        capacity=1000,
        seconds_of=lambda now, chance: 0.005 if chance.random() < 0.6 else 0.3,
    )
    assert not mixed.shed


@pytest.mark.parametrize("size", [48, 100])
def test_bursts_pass(size):
    burst = [second + number / 1000 for second in range(20) for number in range(size)]
    assert not Play(burst, capacity=8, seconds_of=about(0.05)).shed


@pytest.mark.parametrize("seed", SEEDS)
def test_a_service_that_becomes_slow_for_good_is_soon_given_all_again(seed):
    arrivals = arriving((30, 90), seed=seed)
    play = Play(arrivals, capacity=1000, seconds_of=lambda now, chance: 0.1 if now < 20 else 2.0, seed=seed)
    assert max(play.shed, default=0) < 35 and len(play.shed) < 0.1 * len(arrivals)


@pytest.mark.parametrize("seed", SEEDS)
def test_few_are_refused_nothing_when_what_they_ask_becomes_ten_times_slower(seed):
    arrivals = arriving((80, 60), seed=seed)
    play = Play(arrivals, capacity=1000, seconds_of=lambda now, chance: 0.02 if now < 20 else 0.2, seed=seed)
    assert not play.shed and play.served


def test_what_is_in_flight_is_bounded_whatever_the_times_say():
    assert Play([0.0] * 200, capacity=1, seconds_of=about(0.01), most=50).limit.allowed == 50
