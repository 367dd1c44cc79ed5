"""The gateway: an order read through it, and it alone before a service that answers at once.

Everything of it is on: verified tokens, signed assertions, an access line and metrics for each request, all limits.
The plain proxies do nothing of that, and cannot sign for the service, which believes signed assertions only: the
client of the measurement sends one itself, so that the very service does all its work behind them as well.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from benchmarks import proxies
from benchmarks.figures import Figure
from benchmarks.laboratory import Laboratory
from benchmarks.plan import Plan
from benchmarks.rounds import Contender, race
from benchmarks.wrk import Target

Proxy = Callable[[Laboratory, str], AbstractContextManager[str]]


def behind(proxy: Proxy, lab: Laboratory, service: str, path: str, user_id: str) -> Contender:
    """Return a contender that passes a client's assertion on to a service."""

    @contextlib.contextmanager
    def start() -> Iterator[Target]:
        with proxy(lab, service) as address:
            yield Target(address + path, lab.vouched(user_id))

    name = proxy.__name__
    return Contender(name, start, (name,) if name in ("nginx", "caddy", "haproxy") else ())


def through_gateway(lab: Laboratory, plan: Plan) -> list[Figure]:
    """Measure the signed-in GET of an order through the gateway and behind its peers."""
    shopper = lab.shopper()
    path = f"/api/v1/orders/{shopper.order('BENCH-001', 'BENCH-002')['id']}"
    user_id = shopper.user_id

    @contextlib.contextmanager
    def souk() -> Iterator[Target]:
        yield Target(lab.gateway_url + path, shopper.signed_in().headers)

    @contextlib.contextmanager
    def haproxy() -> Iterator[Target]:
        with proxies.haproxy(lab, lab.orders_url) as address:
            headers = shopper.signed_in().headers | {"X-Assertion": lab.assertion(user_id)}
            yield Target(address + path, headers)

    plain = (proxies.nginx, proxies.caddy, proxies.textbook, proxies.fastapi)
    found = race(
        lab,
        "gateway",
        [
            Contender("souk", souk),
            Contender("haproxy", haproxy, ("haproxy",)),
            *(behind(proxy, lab, lab.orders_url, path, user_id) for proxy in plain),
        ],
        plan,
    )
    of = "GET of an order, of the service behind"
    return [
        found.ratio(f"{of} nginx", "souk", "nginx", 0.90),
        found.ratio(f"{of} Caddy", "souk", "caddy", 1.10),
        found.ratio(f"{of} HAProxy verifying RS256", "souk", "haproxy", 1.00),
        found.ratio(f"{of} the textbook gateway", "souk", "textbook", 4),
        found.ratio(f"{of} FastAPI + httpx", "souk", "fastapi", 5),
    ]


def alone(lab: Laboratory, plan: Plan) -> list[Figure]:
    """Measure the gateway and its peers before nginx `return 200`."""
    shopper = lab.shopper()
    path, user_id = "/api/v1/orders/01a1f7ff-047c-7462-a7ab-1aa7d6d902d9", shopper.user_id
    with contextlib.ExitStack() as stack:
        service = "http://127.0.0.1:1"
        if proxies.program("nginx"):
            service = stack.enter_context(proxies.nginx(lab, "", "nginx_answer.conf"))

        @contextlib.contextmanager
        def souk() -> Iterator[Target]:
            port = proxies.free_port()
            told = {"GATEWAY_ORDERS_URL": service, "GATEWAY_ADMIN_BIND": f"127.0.0.1:{port}"}
            with lab.web("gateway", told) as address:
                yield Target(address + path, shopper.signed_in().headers)

        plain = (proxies.nginx, proxies.caddy, proxies.textbook)
        others = [behind(proxy, lab, service, path, user_id) for proxy in plain]
        needing = [Contender(each.name, each.start, (*each.needs, "nginx")) for each in others]
        found = race(lab, "alone", [Contender("souk", souk, ("nginx",)), *needing], plan)
    before = "the gateway before an answer at once"
    return [
        found.rate(f"{before}, two cores", "souk", 20_000),
        found.ratio(f"{before}, of Caddy", "souk", "caddy", 1.00),
        found.ratio(f"{before}, of the textbook gateway", "souk", "textbook", 10),
    ]
