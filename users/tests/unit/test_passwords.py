import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher, extract_parameters

from users.domain import PasswordsBusy
from users.passwords import Passwords, argon2id

CHEAP = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)


class SlowHasher:
    """Hashes nothing until it is let go, and counts how many are at it."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.running = 0
        self.most = 0
        self._counting = threading.Lock()

    def hash(self, password: str | bytes) -> str:
        with self._counting:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.go.wait(5)
        with self._counting:
            self.running -= 1
        return "hash"


def test_the_parameters_are_owasps_least_costly():
    parameters = extract_parameters(argon2id().hash("canary"))
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19 * 1024, 2, 1)
    assert parameters.type.name == "ID"


def test_a_password_is_right_for_its_hash_alone():
    passwords = Passwords(CHEAP, at_once=1, waiting=0)
    hashed = passwords.hash("correct horse")
    assert passwords.verify(hashed, "correct horse")
    assert not passwords.verify(hashed, "correct horsf")
    assert passwords.hash("correct horse") != hashed


def test_a_password_is_the_same_however_its_characters_are_composed():
    passwords = Passwords(CHEAP, at_once=1, waiting=0)
    assert passwords.verify(passwords.hash("cafe\u0301 au lait"), "caf\u00e9 au lait")


def test_no_password_is_right_where_there_is_no_hash():
    assert not Passwords(CHEAP, at_once=1, waiting=0).verify(None, "correct horse")


def test_a_check_without_a_hash_does_the_work_of_one_with_a_hash():
    checked = []

    class Watched(PasswordHasher):
        def verify(self, hash, password):
            checked.append(hash)
            return super().verify(hash, password)

    hasher = Watched(memory_cost=64, time_cost=3, parallelism=1)
    Passwords(hasher, at_once=1, waiting=0).verify(None, "correct horse")
    assert [extract_parameters(each) for each in checked] == [extract_parameters(hasher.hash("any"))]


def test_a_hash_of_other_parameters_is_outdated():
    passwords = Passwords(CHEAP, at_once=1, waiting=0)
    assert not passwords.outdated(passwords.hash("correct horse"))
    assert passwords.outdated(argon2id().hash("correct horse"))


def test_no_more_run_at_once_than_allowed(until):
    hasher = SlowHasher()
    passwords = Passwords(hasher, at_once=2, waiting=8)
    hasher.go.clear()
    with ThreadPoolExecutor(10) as threads:
        hashes = [threads.submit(passwords.hash, "canary") for _ in range(10)]
        until(lambda: hasher.running == 2)
        hasher.go.set()
        assert [each.result(5) for each in hashes] == ["hash"] * 10
    assert hasher.most == 2


BESIDE_A_HASH = """
from gevent import monkey; monkey.patch_all()
import gevent
from argon2 import PasswordHasher
from users.passwords import Passwords

passwords = Passwords(PasswordHasher(memory_cost=8192, time_cost=30), at_once=1, waiting=0)
hashing, others = gevent.spawn(passwords.hash, "canary"), 0
while not hashing.dead:
    gevent.sleep(0.001)
    others += 1
print(others)
"""


def test_under_gevent_other_requests_go_on_beside_a_hash():
    told = subprocess.run([sys.executable, "-c", BESIDE_A_HASH], capture_output=True, check=True, text=True)
    assert int(told.stdout) > 5


FORTY_HASHES = """
from concurrent.futures import ThreadPoolExecutor
from psutil import Process
from users.passwords import argon2id

hasher, held = argon2id(), Process().memory_info().rss
with ThreadPoolExecutor(4) as threads:
    list(threads.map(hasher.hash, ["canary"] * 40))
    print((Process().memory_info().rss - held) // 2**20)
"""


def test_hashing_leaves_no_memory_behind():
    told = subprocess.run([sys.executable, "-c", FORTY_HASHES], capture_output=True, check=True, text=True)
    assert int(told.stdout) < 19  # MiB: not one of the blocks is kept


def test_one_more_than_may_wait_is_refused_for_now(until):
    hasher = SlowHasher()
    passwords = Passwords(hasher, at_once=1, waiting=1)
    hasher.go.clear()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(passwords.hash, "canary")
        until(lambda: hasher.running == 1)
        second = threads.submit(passwords.hash, "canary")
        until(lambda: refused(passwords))
        hasher.go.set()
        assert first.result(5) == second.result(5) == "hash"
    assert passwords.hash("canary") == "hash"


def refused(passwords: Passwords) -> bool:
    with ThreadPoolExecutor(1) as thread:
        attempt = thread.submit(passwords.hash, "canary")
        try:
            attempt.result(0.05)
        except PasswordsBusy as busy:
            return busy.retry_after_seconds == 1
        except TimeoutError:
            pytest.fail("it waits")
    return False
