"""The service: an order by its id with everything of the chassis on, and the same query and answer without it."""

import contextlib
import http.client
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.figures import Figure
from benchmarks.laboratory import Laboratory
from benchmarks.plan import Plan
from benchmarks.programs import NotStarted, free_port, running
from benchmarks.proxies import PEERS
from benchmarks.rounds import Contender, race
from benchmarks.wrk import Target

GEVENT = ("gunicorn", "-k", "gevent", "-w", "2", "--no-control-socket", "-b", "127.0.0.1:{port}")
GRANIAN = ("granian", "--interface", "wsgi", "--workers", "2", "--host", "127.0.0.1", "--port", "{port}")
GRANIAN += (
    "--blocking-threads",
    "10",
)  # as many as each process has connections: faster than granian's own choice


@contextlib.contextmanager
def bare(lab: Laboratory, server: Sequence[str]) -> Iterator[str]:
    """Run the bare Flask service on a server; gives its address."""
    port = free_port()
    command: list[str | Path] = [lab.peers / server[0], *(part.format(port=port) for part in server[1:])]
    told = {"DB_URL": lab.setting("orders", "ORDERS_DB_URL")}
    with running([*command, "bare_flask:app"], port, lab.logs / f"bare-{server[0]}.log", PEERS, told):
        yield f"http://127.0.0.1:{port}"


def answer(target: Target) -> Any:
    """Return what a service answers to one request, as JSON."""
    place = urlsplit(target.url)
    with contextlib.closing(http.client.HTTPConnection(place.netloc, timeout=10)) as connection:
        connection.request("GET", place.path, headers=target.headers)
        return json.loads(connection.getresponse().read())


def service(lab: Laboratory, plan: Plan) -> list[Figure]:
    """Measure the orders service of the stack and its bare peers."""
    shopper = lab.shopper()
    path = f"/api/v1/orders/{shopper.order('BENCH-001', 'BENCH-002')['id']}"
    user_id = shopper.user_id

    @contextlib.contextmanager
    def souk() -> Iterator[Target]:
        yield Target(lab.orders_url + path, lab.vouched(user_id))

    def peer(server: Sequence[str]) -> Contender:
        @contextlib.contextmanager
        def start() -> Iterator[Target]:
            with bare(lab, server) as address:
                target = Target(address + path)
                real = answer(Target(lab.orders_url + path, lab.vouched(user_id)))
                if answer(target) != real:
                    raise NotStarted(f"the bare service does not answer as the real one does: {real}")
                yield target

        return Contender(f"bare on {server[0]}", start)

    found = race(lab, "service", [Contender("souk", souk), peer(GEVENT), peer(GRANIAN)], plan)
    of = "the service, of bare Flask + psycopg on"
    return [
        found.ratio(f"{of} gunicorn's gevent", "souk", "bare on gunicorn", 1.15),
        found.ratio(f"{of} granian", "souk", "bare on granian", 0.80),
    ]
