"""Overload: what becomes of those who are let in, and of those who are not, at three times the load it can take.

What it can take is how many orders it places for clients who each ask again at once. Then many more come, each at its
own time whether or not the others were answered (wrk with a pause of random length in each client), and a few measured
ones among them, who tell who was let in from who was turned away.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.figures import Figure, percentile
from benchmarks.laboratory import Laboratory
from benchmarks.placing import placing
from benchmarks.plan import Plan
from benchmarks.shopper import Shopper
from benchmarks.tools import lacking
from benchmarks.wrk import Measured, Target

TIMES = 3
PAUSE_SECONDS = (
    2.0  # of each client on average, long beside the time of an answer: slow answers do not slow them much
)
MOST_CLIENTS = 6000
PROBES = 16
PROBES_PER_SECOND = 60
SHED = (429, 503)


@dataclass
class Probes:
    """The answer times of the measured clients in milliseconds, by what they were told."""

    accepted: list[float] = field(default_factory=list)
    shed: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def note(self, milliseconds: float, status: int, retry_after: str) -> None:
        if status < 400:
            self.accepted.append(milliseconds)
        elif status in SHED and retry_after:
            self.shed.append(milliseconds)
        else:
            self.wrong.append(f"status {status}{'' if retry_after else ' without Retry-After'}")


Ask = Callable[[Shopper], tuple[int, object, str]]


def probe(shopper: Shopper, ask: Ask, found: Probes, ended: threading.Event) -> None:
    """Ask at a steady rate until the end; a request's time begins when it is due."""
    due = time.monotonic()
    while not ended.wait(max(0, due - time.monotonic())):
        began = time.monotonic()
        try:
            status, _, retry_after = ask(shopper)
            found.note(1000 * (time.monotonic() - began), status, retry_after)
        except (OSError, ValueError) as failure:
            found.wrong.append(repr(failure))
            shopper.connection.close()
        due = max(due + PROBES / PROBES_PER_SECOND, time.monotonic())


@contextlib.contextmanager
def probing(shoppers: list[Shopper], ask: Ask) -> Iterator[Probes]:
    """Have the measured clients ask meanwhile."""
    found, ended = Probes(), threading.Event()
    threads = [threading.Thread(target=probe, args=(one, ask, found, ended)) for one in shoppers]
    for at, thread in enumerate(threads):
        thread.start()
        time.sleep(1 / PROBES_PER_SECOND if at + 1 < len(threads) else 0)
    try:
        yield found
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def place(shopper: Shopper) -> tuple[int, object, str]:
    items = [{"sku": "BENCH-001", "quantity": 1}]
    return shopper.send("POST", "/api/v1/orders", {"items": items})


def overload(lab: Laboratory, plan: Plan) -> list[Figure]:
    """Measure it with POSTs of orders through the gateway."""
    names = {"accepted p99, of the normal one": 2, "goodput": 90, "shed answers, p99": 20}
    if absent := lacking("wrk"):
        return [Figure("overload", name, wanted, "x", missing=absent) for name, wanted in names.items()]
    lab.until_quiet()
    account = lab.shopper()
    shoppers = [
        Shopper(lab.gateway_url, account.email, account.password, account.token) for _ in range(PROBES)
    ]

    def told(seconds: float, clients: int, pause_ms: float) -> tuple[Measured, Probes]:
        with probing(shoppers, place) as found:
            target: Target = placing(lab.gateway_url, account.headers, pause_ms)
            return target.measure(clients, seconds), found

    told(plan.warm_up_seconds, plan.writers, 0)
    normal, calm = told(plan.seconds * 3, plan.writers, 0)
    clients = min(round(TIMES * normal.rate * PAUSE_SECONDS), MOST_CLIENTS)
    flood, busy = told(plan.overload_seconds, clients, 1000 * PAUSE_SECONDS)
    sent = flood.requests / flood.seconds
    print(f"  it takes {normal.rate:,.0f}/s; {clients} clients sent {sent:,.0f}/s", flush=True)
    for wrong in sorted(set(busy.wrong)):
        print(f"  {busy.wrong.count(wrong)} measured requests: {wrong}", flush=True)
    return figures(normal, calm, flood, busy)


def figures(normal: Measured, calm: Probes, flood: Measured, busy: Probes) -> list[Figure]:
    """Return what a normal and an overloaded time say."""
    of = f"orders at {TIMES} times the load it can take"
    sent = f"{flood.requests / flood.seconds:,.0f}/s sent, {flood.broken} not answered"
    ratio = percentile(busy.accepted or [float("inf")], 99) / percentile(calm.accepted, 99)
    note = f"{percentile(calm.accepted, 99):.0f} ms before"
    listed = [
        Figure("overload", f"{of}: accepted p99, of the normal one", 2, "x", [ratio], True, note=note),
        Figure("overload", f"{of}: goodput", 90, "%", [100 * flood.rate / normal.rate], note=sent),
    ]
    name = f"{of}: shed answers, p99"
    if busy.shed:
        return [*listed, Figure("overload", name, 20, "ms", [percentile(busy.shed, 99)], True)]
    return [*listed, Figure("overload", name, 20, "ms", at_most=True, missing="nothing was shed")]
