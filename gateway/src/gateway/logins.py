"""The throttle of sign-ins: guessing passwords ends soon, and nobody can lock an owner out.

Failures are counted for each pair of account and address, for each address and for each account. Only the pair's and
the address's own failures refuse anybody: of an account under attack, pairs that are not known get fewer tries.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl

from limits.storage import Storage

from chassis.errors import TooLarge, TooManyRequests
from gateway.rates import network_of

GRANT_REFUSED = b'"invalid_grant"'
_MOST_PARAMETERS = 50
_DAY_SECONDS = 86_400
_OWN_TURN_SECONDS = 1.0


class TooManyLogins(TooManyRequests):
    code = "too_many_logins"
    title = "Too many sign-ins failed"


@dataclass(frozen=True, slots=True)
class LoginRule:
    """How many failures within the window each may have. An account with `account` failures is under attack:
    `stranger` is what a pair may have then that has not signed in for so many days."""

    window_seconds: int = 900
    pair: int = 10
    address: int = 100
    account: int = 50
    stranger: int = 2
    known_days: int = 30

    def tries(self, *, address_failures: int, account_failures: int, known: bool) -> int:
        """Return how many failures a pair may have, whose address and account have these."""
        if known:
            return self.pair
        if address_failures >= self.address:
            return 0
        return self.stranger if account_failures > self.account else self.pair


@dataclass(frozen=True, slots=True)
class _Names:
    """The counters of one sign-in."""

    pair: str
    address: str
    account: str
    known: str


class Logins:
    """Lets sign-ins through or refuses them. `failures` and `known` count them and who has signed in; `key` keeps the
    accounts' names from whoever reads these."""

    def __init__(
        self,
        failures: Storage,
        known: Storage,
        *,
        key: bytes,
        rule: LoginRule,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._failures = failures
        self._known = known
        self._key = hashlib.sha256(b"logins" + key).digest()
        self._rule = rule
        self._now = now
        self._in_hand: Counter[str] = Counter()

    @contextmanager
    def attempt(self, form: bytes, peer: str, *, whole: bool = True) -> Iterator["Attempt | None"]:
        """Let a request to the token endpoint through, or raise TooManyLogins; None for one that is no sign-in. The
        block is the time of the request. Raises TooLarge for a form that is not `whole`: it could hide one."""
        if not whole:
            raise TooLarge("A form of this length is no request for a token.")
        username = username_of(form)
        if username is None:
            yield None
            return
        names = self._names(username, network_of(peer))
        self._check(names)
        self._in_hand[names.pair] += 1
        try:
            yield Attempt(self, names)
        finally:
            self._in_hand[names.pair] -= 1
            if not self._in_hand[names.pair]:
                del self._in_hand[names.pair]

    def count_failure(self, names: _Names) -> None:
        """Count that a password was wrong."""
        for name in (names.pair, names.address, names.account):
            self._failures.incr(name, self._rule.window_seconds)

    def count_success(self, names: _Names) -> None:
        """Forget the failures of a pair, and remember that it has signed in."""
        self._failures.clear(names.pair)
        self._known.clear(names.known)  # its time begins anew
        self._known.incr(names.known, self._rule.known_days * _DAY_SECONDS)

    def _check(self, names: _Names) -> None:
        failures = self._failures
        of_pair = failures.get(names.pair)
        tries = self._rule.tries(
            address_failures=failures.get(names.address),
            account_failures=failures.get(names.account),
            known=self._known.get(names.known) > 0,
        )
        if of_pair >= tries:
            seconds = failures.get_expiry(names.pair if tries else names.address) - self._now()
            raise TooManyLogins(
                "Too many sign-ins failed: try again later.", retry_after_seconds=max(1.0, seconds)
            )
        # Guesses that come all at once are not counted yet: each has to wait for the answer to those before.
        if of_pair + self._in_hand[names.pair] >= tries:
            raise TooManyLogins(
                "Other sign-ins to this account are not answered yet.", retry_after_seconds=_OWN_TURN_SECONDS
            )

    def _names(self, username: str, address: str) -> _Names:
        account = hashlib.blake2b(username.encode(), key=self._key, digest_size=16).hexdigest()
        return _Names(
            pair=f"login/pair/{account}/{address}",
            address=f"login/address/{address}",
            account=f"login/account/{account}",
            known=f"login/known/{account}/{address}",
        )


class Attempt:
    """One sign-in that was let through."""

    __slots__ = ("_logins", "_names")

    def __init__(self, logins: Logins, names: _Names) -> None:
        self._logins = logins
        self._names = names

    def answered(self, status: int, body: Callable[[], bytes]) -> None:
        """Take the service's answer: only a grant that was refused is a failure, only tokens are a success."""
        if status == 200:
            self._logins.count_success(self._names)
        elif status == 400 and GRANT_REFUSED in body():
            self._logins.count_failure(self._names)


def username_of(form: bytes) -> str | None:
    """Return who wants to sign in with a password, as users compares its names; None where a form says nothing of it,
    or where it is malformed: every service refuses that by the same reading."""
    try:
        fields = parse_qsl(
            form.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except ValueError:
        return None
    named = dict(fields)
    if len(named) < len(fields) or named.get("grant_type") != "password":
        return None
    username = named.get("username")
    return username.strip().lower() if username is not None else None
