"""The outbox: many transactions while the relay and the broker die, and how fast a backlog goes."""

import asyncio
import random
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import nats
import psycopg
from shop import until

from faults.evidence import Row, read_stream, rows
from faults.laboratory import Laboratory
from faults.measures import Measure
from faults.strikes import kill, stop_broker

# Nobody takes the events of users, so that this measures the relay alone.
SERVICE, STREAM, WORKER = "users", "USERS", "users-worker"
WRITERS, AGGREGATES = 4, 50
ROLLED_BACK, LONG = 0.03, 0.002
LONGEST_SECONDS = 0.5
DRAINED_SECONDS = 180
INSERT = """
    INSERT INTO outbox (id, type, aggregate_id, version, data, request_id, traceparent)
    VALUES (%s, 'fault.noted', %s, %s, jsonb_build_object('run', %s::text), 'faults', '')
"""
BACKLOG = """
    INSERT INTO outbox (id, type, aggregate_id, version, data, request_id, traceparent)
    SELECT gen_random_uuid(), 'fault.noted', gen_random_uuid(), 1, jsonb_build_object('run', %(run)s::text),
           'faults', ''
    FROM generate_series(1, %(count)s)
"""
FORGET = "DELETE FROM outbox WHERE type = 'fault.noted'"
WAITING = "SELECT count(*) AS waiting FROM outbox WHERE published_at IS NULL"


@dataclass
class Written:
    """What the writers committed and what they rolled back, by the events' ids."""

    committed: set[str] = field(default_factory=set)
    rolled_back: set[str] = field(default_factory=set)


def write(lab: Laboratory, run: str, count: int, chance: random.Random) -> Written:
    """Make transactions with an event each; some take long, some are rolled back."""
    written = Written()
    aggregates = {str(uuid.UUID(int=chance.getrandbits(128), version=4)): 1 for _ in range(AGGREGATES)}
    names = list(aggregates)
    with psycopg.connect(lab.setting(SERVICE, f"{SERVICE.upper()}_DB_OWNER_URL")) as connection:
        while len(written.committed) < count:
            event, aggregate = str(uuid.UUID(int=chance.getrandbits(128), version=4)), chance.choice(names)
            connection.execute(INSERT, (event, aggregate, aggregates[aggregate], run))
            if chance.random() < LONG:
                time.sleep(chance.uniform(0, LONGEST_SECONDS))
            if chance.random() < ROLLED_BACK:
                connection.rollback()
                written.rolled_back.add(event)
                continue
            connection.commit()
            written.committed.add(event)
            aggregates[aggregate] += 1
    return written


def all_transactions(lab: Laboratory, seed: int, transactions: int, tell: Callable[[str], None]) -> Measure:
    """Commit transactions while the relay is killed and the broker restarted; compare the stream with them."""
    run, chance = str(uuid.UUID(int=seed, version=4)), random.Random(seed)
    strikes: list[str] = []
    with ThreadPoolExecutor(WRITERS) as pool:
        share = transactions // WRITERS
        writers = [
            pool.submit(write, lab, run, share, random.Random(seed + n)) for n in range(1, WRITERS + 1)
        ]
        while not all(each.done() for each in writers):
            time.sleep(chance.uniform(1, 4))
            if chance.random() < 0.7:
                strikes.append(kill(lab, chance, WORKER))
            else:
                strikes.append(
                    chance.choice([lambda: kill(lab, chance, "nats"), lambda: stop_broker(lab, chance, 2)])()
                )
            tell(strikes[-1])
        written = [each.result() for each in writers]
    until(lambda: rows(lab, SERVICE, WAITING)[0]["waiting"] == 0, DRAINED_SECONDS)
    events = [each for each in asyncio.run(_stream(lab)) if each["data"].get("run") == run]
    committed = set().union(*(each.committed for each in written))
    there = {each["id"] for each in events}
    lost, phantoms, swapped = len(committed - there), len(there - committed), out_of_order(events)
    kills = sum("worker" in each for each in strikes)
    return Measure(
        f"{len(committed):,} outbox transactions, {kills} relay kills, {len(strikes) - kills} broker restarts",
        "0 lost, 0 phantom, order kept",
        f"{lost} lost, {phantoms} phantom, {swapped} out of order; "
        f"{sum(len(each.rolled_back) for each in written):,} rolled back, {len(events) - len(there):,} delivered twice",
        not (lost or phantoms or swapped) and bool(committed),
    )


def out_of_order(events: list[Row]) -> int:
    """Count the events that came, for the first time, before an earlier one of their aggregate."""
    versions: dict[str, list[int]] = defaultdict(list)
    seen: set[str] = set()
    for event in events:
        if event["id"] not in seen:
            seen.add(event["id"])
            versions[event["subject"]].append(event["aggregateversion"])
    return sum(later != earlier + 1 for each in versions.values() for earlier, later in pairwise(each))


async def _stream(lab: Laboratory) -> list[Row]:
    client = await nats.connect(lab.setting(SERVICE, f"{SERVICE.upper()}_NATS_URL"))
    async with client:
        return await read_stream(client, STREAM)


def backlog(lab: Laboratory, seed: int, events: int, wanted: int) -> Measure:
    """Let events wait while the relay is away, and see how fast they go when it is back."""
    run = f"backlog-{seed}"
    lab.control("stop", f"services:{WORKER}")
    rows(lab, SERVICE, BACKLOG, run=run, count=events)
    lab.control("start", f"services:{WORKER}")
    with suppress(AssertionError):
        until(lambda: rows(lab, SERVICE, WAITING)[0]["waiting"] == 0, DRAINED_SECONDS)
    statement = """
        SELECT count(published_at) AS gone,
               extract(epoch FROM max(published_at) - min(published_at))::float AS seconds
        FROM outbox WHERE data->>'run' = %(run)s
    """
    seen = rows(lab, SERVICE, statement, run=run)[0]
    rate = seen["gone"] / max(seen["seconds"], 0.001)
    return Measure(
        f"a backlog of {events:,} events",
        f"drained at {wanted:,} events/s or more",
        f"{seen['gone']:,} gone, {rate:,.0f} events/s",
        seen["gone"] == events and rate >= wanted,
    )


def forget(lab: Laboratory) -> None:
    """Delete these events from the outbox: a broker that loses its disk would get them all once more."""
    rows(lab, SERVICE, FORGET)
