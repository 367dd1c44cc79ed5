"""How many requests may be sent once more."""

from gateway.upstream.budget import RetryBudget


def spent(budget):
    count = 0
    while budget.spend():
        count += 1
    return count


def test_a_tenth_of_the_requests_may_be_repeated():
    budget = RetryBudget(monotonic=lambda: 0.0)
    spent(budget)
    for _ in range(500):
        budget.earn()
    assert 49 <= spent(budget) <= 51


def test_what_is_saved_up_is_bounded():
    budget = RetryBudget(monotonic=lambda: 0.0)
    for _ in range(100_000):
        budget.earn()
    assert spent(budget) <= 102


def test_one_a_second_goes_even_so():
    now = [1.0]
    budget = RetryBudget(monotonic=lambda: now[0])
    spent(budget)
    assert not budget.spend()
    now[0] += 1.0
    assert budget.spend() and not budget.spend()
