"""The throttle of sign-ins: who may still try, who always gets in, and what is remembered of them."""

import json

import pytest

from chassis.errors import TooLarge
from gateway.counters import OwnCounters
from gateway.logins import LoginRule, Logins, TooManyLogins, username_of

HOME, OFFICE = "192.0.2.7", "192.0.2.8"
WRONG, RIGHT = (400, b'{"error":"invalid_grant"}'), (200, b"{}")


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


class Throttle:
    """A throttle with counters of its own, and people who try passwords."""

    def __init__(self, **rule):
        self.clock = Clock()
        self.counters = OwnCounters(now=self.clock), OwnCounters(now=self.clock)
        self.logins = Logins(*self.counters, key=b"key", rule=LoginRule(**rule), now=self.clock)

    def attempt(self, username="ada", peer=HOME):
        return self.logins.attempt(f"grant_type=password&username={username}&password=x".encode(), peer)

    def tries(self, username="ada", peer=HOME, answer=WRONG, times=1):
        """Return how many of so many tries were let through."""
        passed = 0
        for _ in range(times):
            try:
                with self.attempt(username, peer) as attempt:
                    attempt.answered(answer[0], lambda: answer[1])
            except TooManyLogins:
                continue
            passed += 1
        return passed

    def attack(self, username="ada", machines=60):
        """Guess passwords of one account from many addresses; return how often it was let through."""
        return sum(
            self.tries(username, f"10.0.{number // 250}.{number % 250}", times=20)
            for number in range(machines)
        )


@pytest.fixture
def throttle():
    return Throttle()


@pytest.mark.parametrize(
    ("address", "account", "known", "tries"),
    [
        (0, 0, False, 10),
        (99, 50, False, 10),
        (0, 51, False, 2),
        (0, 51, True, 10),
        (100, 0, False, 0),
        (100, 51, False, 0),
        (100, 51, True, 10),
    ],
)
def test_how_often_a_pair_may_fail(address, account, known, tries):
    found = LoginRule().tries(address_failures=address, account_failures=account, known=known)
    assert found == tries


def test_one_address_guesses_one_account_ten_times(throttle):
    assert throttle.tries(times=50) == 10
    assert throttle.tries(peer=OFFICE, answer=RIGHT) == 1
    throttle.clock.now += 901
    assert throttle.tries(times=50) == 10


def test_one_address_guesses_many_accounts_a_hundred_times(throttle):
    assert sum(throttle.tries(f"user-{number}", times=5) for number in range(100)) == 100


def test_many_addresses_guess_one_account_twice_each(throttle):
    assert throttle.attack(machines=5) == 50
    assert throttle.tries(peer="10.9.9.8") == 1  # the account is under attack from the failure after these
    assert throttle.tries(peer="10.9.9.9", times=20) == 2
    assert throttle.attack(machines=1000) <= 2 * 1000


def test_the_owner_gets_in_during_an_attack_from_known_and_new_addresses(throttle):
    throttle.tries(answer=RIGHT)
    throttle.attack()
    assert throttle.tries(times=9) == 9 and throttle.tries(answer=RIGHT) == 1
    assert throttle.tries(peer=OFFICE) == 1 and throttle.tries(peer=OFFICE, answer=RIGHT) == 1
    assert throttle.tries(peer=OFFICE, times=20) == 10


def test_a_neighbour_who_attacks_does_not_keep_out_who_signed_in_before(throttle):
    throttle.tries("ada", answer=RIGHT)
    for number in range(100):
        throttle.tries(f"user-{number}", times=5)
    assert throttle.tries("ben", answer=RIGHT) == 0
    assert throttle.tries("ada", answer=RIGHT) == 1


def test_signing_in_forgets_the_failures_of_the_pair_alone(throttle):
    throttle.tries(times=9)
    throttle.tries(peer=OFFICE, times=9)
    assert throttle.tries(answer=RIGHT) == 1
    assert throttle.tries(times=50) == 10
    assert throttle.tries(peer=OFFICE, times=50) == 1


@pytest.mark.parametrize(
    "answer", [(400, b'{"error":"invalid_request"}'), (401, b"invalid_grant"), (429, b""), (503, b"")]
)
def test_what_is_no_wrong_password_is_no_failure(throttle, answer):
    assert throttle.tries(answer=answer, times=200) == 200


def test_an_owner_is_known_for_so_many_days_after_each_sign_in(throttle):
    throttle.tries(answer=RIGHT)
    throttle.clock.now += 20 * 86_400
    throttle.tries(answer=RIGHT)
    throttle.clock.now += 20 * 86_400
    throttle.attack()
    assert throttle.tries(times=20) == 10
    throttle.clock.now += 20 * 86_400
    throttle.attack()
    assert throttle.tries(times=20) == 2


def test_guesses_at_the_same_time_are_no_more_than_one_after_another(throttle):
    throttle.tries(times=8)
    with throttle.attempt(), throttle.attempt():
        with pytest.raises(TooManyLogins) as refusal, throttle.attempt():
            pass
        assert refusal.value.retry_after_seconds == 1
    with throttle.attempt():
        pass


def test_a_refusal_says_when_the_failures_are_forgotten(throttle):
    throttle.tries(times=10)
    throttle.clock.now += 600
    with pytest.raises(TooManyLogins) as refusal, throttle.attempt():
        pass
    assert refusal.value.retry_after_seconds == pytest.approx(300)
    assert throttle.tries("other", answer=RIGHT) == 1


@pytest.mark.parametrize("spelling", ["ADA", "+ada+", "%41da", "%20Ada"])
def test_an_account_is_one_however_it_is_spelt(throttle, spelling):
    throttle.tries(times=10)
    assert throttle.tries(spelling, times=5) == 0


def test_addresses_of_one_network_are_one(throttle):
    assert sum(throttle.tries(peer=f"2001:db8::{number}") for number in range(1, 20)) == 10


@pytest.mark.parametrize(
    ("form", "username"),
    [
        (b"grant_type=password&username=ada&password=x", "ada"),
        (b"password=x&username=a%26b&grant_type=%70assword", "a&b"),
        (b"grant_type=password&username=", ""),
        (b"grant_type=password&username=ada;x=1", "ada;x=1"),
        (b"grant_type=password&password=x", None),
        (b"grant_type=refresh_token&username=ada", None),
        (b"grant_type=password&username=ada&username=ben", None),
        (b"grant_type=password&grant_type=refresh_token&username=ada", None),
        (b"grant_type=password&username=%ff", None),
        (b"grant_type=password&username=\xc3\xa4", None),
        (b'{"grant_type": "password", "username": "ada"}', None),
        (b"", None),
        (
            b"&".join(
                [b"grant_type=password", b"username=ada", *[b"a%d=1" % number for number in range(49)]]
            ),
            None,
        ),
    ],
)
def test_who_wants_to_sign_in(form, username):
    assert username_of(form) == username


def test_what_is_no_sign_in_is_never_refused(throttle):
    throttle.tries(times=50)
    with throttle.logins.attempt(b"grant_type=refresh_token&refresh_token=x", HOME) as attempt:
        assert attempt is None


def test_a_form_that_is_too_long_to_be_looked_at_is_refused(throttle):
    with pytest.raises(TooLarge), throttle.logins.attempt(b"a" * 65_536, HOME, whole=False):
        pass


def test_no_counter_bears_the_name_of_an_account():
    names = []

    class Listening(OwnCounters):
        def incr(self, key, *arguments):
            names.append(key)
            return super().incr(key, *arguments)

    for key in (b"one", b"other"):
        logins = Logins(Listening(), Listening(), key=key, rule=LoginRule())
        with logins.attempt(b"grant_type=password&username=ada@souk.test&password=x", HOME) as attempt:
            attempt.answered(*WRONG[:1], lambda: WRONG[1])
            attempt.answered(200, lambda: b"")
    told = json.dumps(names)
    assert len(set(names)) == 7 and "ada" not in told and "souk" not in told
