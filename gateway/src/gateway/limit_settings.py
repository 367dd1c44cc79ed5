"""What the gateway is told of rates, of sign-ins, and of where they are counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import urlsplit

from chassis.settings import ProcessSettings, Secret, setting
from gateway.logins import LoginRule
from gateway.rates import OFF, Network, is_rate

_REDIS = ("redis", "rediss", "redis+unix")


@dataclass(frozen=True, kw_only=True)
class LimitSettings(ProcessSettings):
    """The settings of these; each is `GATEWAY_` and its name in upper case."""

    rate_per_address: str = setting(
        "60000/minute",
        doc="most requests of an address, as the library limits writes rates; off: no such rate",
    )
    rate_per_user: str = setting(
        "6000/minute", doc="most requests of a user, whatever the address; off: no such rate"
    )
    rate_exempt: str = setting(
        "", doc="addresses and networks, with commas between, whose requests no rate counts"
    )

    login_window_seconds: int = setting(900, minimum=1, doc="seconds in which failed sign-ins are counted")
    login_failures_per_pair: int = setting(
        10, minimum=1, doc="most failed sign-ins to one account from one address"
    )
    login_failures_per_address: int = setting(
        100, minimum=1, doc="... from one address, to accounts that have not signed in there before"
    )
    login_failures_per_account: int = setting(
        50, minimum=1, doc="failed sign-ins to one account, from anywhere, after which it is under attack"
    )
    login_failures_of_strangers: int = setting(
        2, minimum=1, doc="... and then the most from each address it has not signed in from"
    )
    login_known_days: int = setting(
        30, minimum=1, doc="days for which an address that an account has signed in from is known"
    )

    redis_url: Secret = setting(
        Secret(""), doc="Redis that counts for all processes, redis://host:port/0; empty: each counts alone"
    )
    redis_timeout_seconds: float = setting(
        0.05,
        minimum=0.002,
        maximum=1,
        doc="longest wait for Redis, in seconds, before a process counts alone",
    )
    redis_pause_seconds: float = setting(
        5.0, minimum=0.1, doc="seconds until Redis is asked again after it did not answer"
    )

    def faults_of_limits(self) -> Iterator[str]:
        """Yield the name of each setting that cannot be used, and why."""
        for name in ("rate_per_address", "rate_per_user"):
            if getattr(self, name) != OFF and not is_rate(getattr(self, name)):
                yield f"{name.upper()}: not of the form 6000/minute, and not {OFF}"
        try:
            networks_of(self.rate_exempt)
        except ValueError as no_network:
            yield f"RATE_EXEMPT: {no_network}"
        url = self.redis_url.reveal()
        if url and urlsplit(url).scheme not in _REDIS:
            yield f"REDIS_URL: not of the form {', '.join(f'{scheme}://...' for scheme in _REDIS)}"

    @property
    def rate_exempt_networks(self) -> list[Network]:
        """The networks that no rate is counted for."""
        return networks_of(self.rate_exempt)

    @property
    def login_rule(self) -> LoginRule:
        """How many failed sign-ins there may be."""
        return LoginRule(
            window_seconds=self.login_window_seconds,
            pair=self.login_failures_per_pair,
            address=self.login_failures_per_address,
            account=self.login_failures_per_account,
            stranger=self.login_failures_of_strangers,
            known_days=self.login_known_days,
        )


def listed(text: str) -> list[str]:
    """Return what stands between commas."""
    return [each.strip() for each in text.split(",") if each.strip()]


def networks_of(text: str) -> list[Network]:
    """Return the addresses and networks that stand between commas. Raises ValueError."""
    return [ip_network(each) for each in listed(text)]
