"""The cache: a product that anybody may read through the gateway, and a bare WSGI callable that holds its bytes."""

import contextlib
import json
from collections.abc import Iterator

from benchmarks.figures import Figure
from benchmarks.laboratory import Laboratory
from benchmarks.plan import Plan
from benchmarks.programs import free_port, running
from benchmarks.proxies import PEERS
from benchmarks.rounds import Contender, race
from benchmarks.shopper import Shopper
from benchmarks.wrk import Target

PATH = "/api/v1/products/BENCH-001"


def cache(lab: Laboratory, plan: Plan) -> list[Figure]:
    """Measure the gateway's answers to a public GET, and the callable on the worker class of Souk's services."""

    @contextlib.contextmanager
    def souk() -> Iterator[Target]:
        yield Target(lab.gateway_url + PATH)

    @contextlib.contextmanager
    def bare() -> Iterator[Target]:
        file, port = lab.places.state / "product.json", free_port()
        product = Shopper(lab.gateway_url).expect(200, "GET", PATH)
        file.write_text(json.dumps(product, separators=(",", ":")))
        gunicorn = lab.places.python("orders").parent / "gunicorn"
        command = [gunicorn, "-c", PEERS / "bare_wsgi_conf.py", "-b", f"127.0.0.1:{port}", "bare_wsgi:app"]
        with running(command, port, lab.logs / "bare-wsgi.log", PEERS, {"ANSWER_FILE": str(file)}):
            yield Target(f"http://127.0.0.1:{port}{PATH}")

    found = race(lab, "cache", [Contender("souk", souk), Contender("bare WSGI", bare)], plan)
    name = "GET of a product through the gateway's cache"
    return [
        found.ratio(f"{name}, of a bare WSGI callable", "souk", "bare WSGI", 0.60),
        found.rate(f"{name}, two cores", "souk", 10_000),
    ]
