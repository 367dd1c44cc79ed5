"""Adapter: passwords hashed by argon2id, a bounded number at once and never on gevent's loop."""

import ctypes
import secrets
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import gevent
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from gevent import monkey

from users.domain import PasswordsBusy

Result = TypeVar("Result")

M_MMAP_THRESHOLD, LARGE_BYTES = -3, 1 << 20


def argon2id() -> PasswordHasher:
    """OWASP's least costly setting of argon2id: 19 MiB of memory, two passes, one lane; given back after each
    hash."""
    give_large_blocks_back()
    return PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)


def give_large_blocks_back() -> None:
    """Have glibc map each large block by itself for the life of this process, and unmap it when it is freed.

    By default it learns from the first one that is freed to keep such blocks, in an arena for each thread: 60 MB of a
    process. Other C libraries have no mallopt, or do so anyway.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


class Passwords:
    """Hashes and checks passwords; `at_once` of them run, `waiting` more wait, the next raises PasswordsBusy."""

    def __init__(self, hasher: PasswordHasher, *, at_once: int, waiting: int) -> None:
        self._hasher = hasher
        self._turns = threading.BoundedSemaphore(at_once)
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._nobodys_hash = hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        with self._turn():
            return _in_a_real_thread(lambda: self._hasher.hash(_normalised(password)))

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password is right; takes as long where there is no hash to compare it with."""
        with self._turn():
            matches = _in_a_real_thread(lambda: self._matches(password_hash or self._nobodys_hash, password))
        return matches and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Tell whether the hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(password_hash)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _normalised(password))
        except VerifyMismatchError:
            return False

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise PasswordsBusy(retry_after_seconds=1)
        try:
            with self._turns:
                yield
        finally:
            self._places.release()


def _normalised(password: str) -> bytes:
    # Keyboards and systems compose the same characters differently (NIST SP 800-63B, section 3.1.1.2).
    return unicodedata.normalize("NFKC", password).encode()


def _in_a_real_thread(work: Callable[[], Result]) -> Result:
    # Under gevent the calling thread carries every other request of this process; otherwise it is real already.
    if monkey.is_module_patched("threading"):
        return gevent.get_hub().threadpool.apply(work)
    return work()
