"""What the gateway is told about the services: where their instances are, and how they are dealt with."""

from collections.abc import Iterator
from dataclasses import dataclass

from chassis.settings import ProcessSettings, setting
from gateway.upstream.sources import SourceError, source_of
from gateway.upstream.ways import Ways


@dataclass(frozen=True, kw_only=True)
class UpstreamSettings(ProcessSettings):
    """The part of the gateway's settings that is about the services."""

    users_url: str = setting(
        doc="instances of the users service: http://host:port (with TLS https), several with commas, dns://name:port "
        "or file:///path"
    )
    orders_url: str = setting(doc="instances of the orders service, as above")
    payments_url: str = setting(doc="instances of the payments service, as above")
    users_canary_url: str = setting("", doc="its canary, as above; empty: none")
    orders_canary_url: str = setting("", doc="its canary, as above; empty: none")
    payments_canary_url: str = setting("", doc="its canary, as above; empty: none")
    dns_refresh_seconds: float = setting(
        10.0, minimum=0.1, doc="seconds between two look-ups of the names in dns:// addresses"
    )
    upstream_connections: int = setting(
        64, minimum=1, doc="requests of one process in flight to each service"
    )
    upstream_streams: int = setting(32, minimum=1, doc="streams of one process open at each service, besides")
    upstream_connect_timeout_seconds: float = setting(
        0.5, minimum=0.01, maximum=60, doc="longest wait for a connection to a service, in seconds"
    )
    upstream_idle_seconds: float = setting(
        60.0,
        minimum=0,
        doc="how long an unused connection is kept, in seconds; less than the services keep theirs",
    )
    check_interval_seconds: float = setting(
        2.0, minimum=0.05, doc="seconds between two looks at the readiness of an instance"
    )
    check_timeout_seconds: float = setting(
        1.0, minimum=0.01, maximum=60, doc="longest such look, in seconds; two in vain, and it is left alone"
    )
    ejection_failures: int = setting(
        5, minimum=1, doc="failures in a row after which an instance is left alone"
    )
    ejection_seconds: float = setting(
        1.0, minimum=0.01, doc="how long at first, in seconds; twice as long each time after that"
    )
    ejection_max_seconds: float = setting(5.0, minimum=0.01, doc="how long at most, in seconds")

    @property
    def upstream_urls(self) -> dict[str, str]:
        """The services' addresses by the names the route file uses."""
        return {"users": self.users_url, "orders": self.orders_url, "payments": self.payments_url}

    @property
    def canary_urls(self) -> dict[str, str]:
        """The addresses of canaries by the same names, empty where there is none."""
        return {
            "users": self.users_canary_url,
            "orders": self.orders_canary_url,
            "payments": self.payments_canary_url,
        }

    @property
    def ways(self) -> Ways:
        """How instances are dealt with."""
        return Ways(
            requests=self.upstream_connections,
            streams=self.upstream_streams,
            connect_seconds=self.upstream_connect_timeout_seconds,
            idle_seconds=self.upstream_idle_seconds,
            dns_refresh_seconds=self.dns_refresh_seconds,
            check_interval_seconds=self.check_interval_seconds,
            check_timeout_seconds=self.check_timeout_seconds,
            failures=self.ejection_failures,
            pause_seconds=self.ejection_seconds,
            longest_pause_seconds=self.ejection_max_seconds,
        )

    def wrong_addresses(self) -> Iterator[str]:
        """Yield the variables, without their prefix, whose value names no instances, and why."""
        canaries = {f"{name}_canary": text for name, text in self.canary_urls.items() if text}
        for name, text in (self.upstream_urls | canaries).items():
            try:
                source_of(text, name, scheme="https" if self.tls_certificate_file else "http")
            except SourceError as cause:
                yield f"{name.upper()}_URL: {cause}"
