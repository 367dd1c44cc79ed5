"""What operators choose about the way to the services; imported before the app, and therefore importing nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How instances are dealt with; times in seconds, numbers for this process."""

    requests: int = 64
    streams: int = 32
    connect_seconds: float = 0.5
    idle_seconds: float = 60.0
    dns_refresh_seconds: float = 10.0
    check_interval_seconds: float = 2.0
    check_timeout_seconds: float = 1.0
    failures: int = 5
    pause_seconds: float = 1.0
    longest_pause_seconds: float = 5.0
