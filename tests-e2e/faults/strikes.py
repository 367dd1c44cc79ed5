"""Strikes: what breaks, one thing at a time; each is healed when it is over, and says what it was."""

import asyncio
import json
import os
import random
import signal
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress

import nats
from shop import until

from faults.evidence import read_stream
from faults.laboratory import PROGRAMS, READY_SECONDS, Laboratory
from faults.proxy import MODES, Proxy

GROUPS = {"nats": "engines:nats"}
WEB = ("gateway", "orders", "payments", "users")
Strike = Callable[[Laboratory, random.Random], str]


def kill(lab: Laboratory, chance: random.Random, name: str = "") -> str:
    """Kill a process and its children with -9."""
    name = name or chance.choice(PROGRAMS)
    lab.signal(name, signal.SIGKILL)
    return f"kill -9 {name}"


def kill_one_child(lab: Laboratory, chance: random.Random) -> str:
    """Kill one of the processes that serve, not their parent."""
    name = chance.choice(WEB)
    if children := lab.family(name)[1:]:
        end(chance.choice(children), signal.SIGKILL)
    return f"kill -9 a child of {name}"


def end(pid: int, number: signal.Signals) -> None:
    """Signal a process that may have ended meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def freeze(lab: Laboratory, chance: random.Random, name: str = "", seconds: float = 0) -> str:
    """Stop a process for a while, with all its connections open, and let it go on."""
    name, seconds = name or chance.choice(PROGRAMS), seconds or chance.uniform(0.5, 5)
    lab.signal(name, signal.SIGSTOP)
    time.sleep(seconds)
    lab.signal(name, signal.SIGCONT)
    return f"SIGSTOP {name} for {seconds:.1f} s"


def stop_postgres_immediately(lab: Laboratory, _: random.Random) -> str:
    """End PostgreSQL as a power cut would: it recovers from its log at the next start."""
    for postmaster in lab.family("postgres")[:1]:
        end(postmaster, signal.SIGQUIT)
    return "PostgreSQL: immediate stop"


def stop_broker(lab: Laboratory, chance: random.Random, seconds: float = 0) -> str:
    """Stop NATS for a while."""
    seconds = seconds or chance.uniform(2, 10)
    lab.control("stop", GROUPS["nats"])
    time.sleep(seconds)
    lab.control("start", GROUPS["nats"])
    return f"NATS stopped for {seconds:.1f} s"


def misbehave(proxies: Mapping[str, Proxy]) -> Strike:
    """Return a strike that has one way between two parts misbehave for a while."""

    def strike(_: Laboratory, chance: random.Random) -> str:
        way, mode, seconds = chance.choice(sorted(proxies)), chance.choice(MODES), chance.uniform(1, 4)
        proxies[way].mode = mode
        time.sleep(seconds)
        proxies[way].mode = "through"
        return f"{mode} from {way} for {seconds:.1f} s"

    return strike


def deliver_again(lab: Laboratory, chance: random.Random, most: int = 200) -> str:
    """Publish the latest events a second time, in any order and under names that JetStream does not know."""
    count = asyncio.run(_deliver_again(lab.setting("orders", "ORDERS_NATS_URL"), chance, most))
    return f"{count} events delivered again, shuffled"


async def _deliver_again(url: str, chance: random.Random, most: int) -> int:
    try:
        client = await nats.connect(url, connect_timeout=2, allow_reconnect=False)
    except (OSError, nats.errors.Error):
        return 0
    async with client:
        latest = time.time() - 30
        streams = {name: await read_stream(client, name, since=latest) for name in ("ORDERS", "PAYMENTS")}
        events = [(name.lower(), event) for name, each in streams.items() for event in each[-most:]]
        chance.shuffle(events)
        for service, event in events:
            event.pop("sequence")
            subject = f"souk.{service}.{event['type']}"
            headers = {"Nats-Msg-Id": str(uuid.uuid4()), "Content-Type": "application/cloudevents+json"}
            await client.jetstream().publish(subject, json.dumps(event).encode(), headers=headers)
        return len(events)


def until_back(lab: Laboratory) -> None:
    """Wait until every process runs and says it is ready."""
    until(lab.is_ready, READY_SECONDS)


ALL: tuple[Strike, ...] = (
    kill,
    kill,
    kill_one_child,
    freeze,
    freeze,
    stop_postgres_immediately,
    stop_broker,
    deliver_again,
)
