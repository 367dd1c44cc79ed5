"""What happens to instances, as operators see it: log lines and metrics by service and instance."""

import logging

from prometheus_client import Counter, Gauge

_log = logging.getLogger(__name__)
IN_USE, UNREADY = "in use", "unready"
STATES = (IN_USE, UNREADY, "half-open", "open")
_state = Gauge(
    "upstream_instance_state",
    "1 for the state an instance is in, of any process' view",
    ("service", "instance", "state"),
    multiprocess_mode="livemax",
)
_ejections = Counter(
    "upstream_ejections", "Times an instance was left alone for a while", ("service", "instance")
)
_retries = Counter("upstream_retries", "Requests sent once more", ("service",))
_unpaid = Counter(
    "upstream_retries_refused", "Requests not sent once more: the budget was used up", ("service",)
)
_shed = Counter("upstream_shed", "Requests refused because the service had all it can do", ("service",))
_limit = Gauge(
    "upstream_limit",
    "Requests that may be in flight from one process",
    ("service",),
    multiprocess_mode="livemin",
)

_in_flight = Gauge(
    "upstream_requests_in_flight",
    "Requests that an instance is answering, as seen every few seconds",
    ("service", "instance"),
    multiprocess_mode="livesum",
)


def in_flight(service: str, instance: str, number: int) -> None:
    """Tell how many requests an instance is answering."""
    _in_flight.labels(service, instance).set(number)


def allowed(service: str, number: int) -> None:
    """Tell how many requests may be in flight."""
    _limit.labels(service).set(number)


def state_of(service: str, instance: str, state: str) -> None:
    """Tell which state an instance is in; one that is none of STATES: it is gone."""
    for each in STATES:
        _state.labels(service, instance, each).set(each == state)
    if state not in STATES:
        in_flight(service, instance, 0)


def changed(service: str, instance: str, before: str, after: str, why: str) -> None:
    """Tell that the breaker of an instance changed its state."""
    if after == "open":
        _ejections.labels(service, instance).inc()
    _log.log(
        logging.WARNING if after == "open" else logging.INFO,
        "instance %s",
        after,
        extra={"upstream": service, "instance": instance, "before": before, "cause": why},
    )


def members(service: str, came: list[str], left: list[str]) -> None:
    """Tell that the instances of a service are others now."""
    _log.info("instances changed", extra={"upstream": service, "came": came, "left": left})


def shed(service: str) -> None:
    """Tell that a request was refused because there were enough of them."""
    _shed.labels(service).inc()


def retried(service: str, *, paid: bool) -> None:
    """Tell that a request was sent once more, or was not because the budget was used up."""
    (_retries if paid else _unpaid).labels(service).inc()
