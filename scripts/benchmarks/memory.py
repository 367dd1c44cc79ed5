"""Memory: what the processes of a stack in its default configuration hold after they have served (PSS)."""

import psutil

from benchmarks.figures import Figure
from benchmarks.laboratory import Laboratory
from benchmarks.plan import Plan
from benchmarks.tools import lacking
from benchmarks.wrk import Target, drive
from stack.places import SERVICES
from stack.processes import Supervisor, remaining

MEBIBYTE = 2**20


def held(pid: int) -> list[float]:
    """Return the MB of a process and of each of its children."""
    one = psutil.Process(pid)
    return [each.memory_full_info().pss / MEBIBYTE for each in [one, *one.children(recursive=True)]]


def serve(lab: Laboratory, plan: Plan) -> None:
    """Have every service answer for a while, so that its pools and caches are there."""
    shopper = lab.shopper()
    order = shopper.order("BENCH-001")["id"]
    for path in ("users/me", f"orders/{order}", "payments", "products/BENCH-001"):
        drive(Target(f"{lab.gateway_url}/api/v1/{path}", shopper.headers), plan.clients, plan.seconds)


def memory(lab: Laboratory, plan: Plan) -> list[Figure]:
    """Measure each service's web processes, and the whole stack without PostgreSQL."""
    if not lacking("wrk"):
        serve(lab, plan)
    pids = {process.name: process.pid for process in Supervisor(lab.places).processes()}
    figures, largest = [], 0.0
    for name in SERVICES:
        each = held(pids[name])
        largest = max(largest, *each)
        note = " + ".join(f"{one:.0f}" for one in each)
        whole = f"all web processes of {name} (PSS)"
        figures.append(Figure("memory", whole, 50, " MB", [sum(each)], True, note=note))
    figures.append(Figure("memory", "the largest web process of all (PSS)", 50, " MB", [largest], True))
    postgres = psutil.Process(pids["postgres"])
    its_own = {process.pid for process in [postgres, *postgres.children(recursive=True)]}
    others = [each for each in remaining(lab.places) if each.pid not in its_own]
    total = sum(each.memory_full_info().pss for each in others) / MEBIBYTE
    note = f"{len(others)} processes"
    name = "the whole stack without PostgreSQL (PSS)"
    return [*figures, Figure("memory", name, 450, " MB", [total], True, note=note)]
