"""The registry of instances, a bucket of NATS: who serves, as long as its heart beats.

`python -m chassis.registry announce --service NAME --url URL` runs beside an instance, `follow --file PATH` beside who
asks instances: web processes never talk to the broker, they read the file. People `list`, `watch` and `deregister`.
"""

import argparse
import asyncio
import base64
import binascii
import json
import logging
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from nats.js.api import KeyValueConfig
from nats.js.errors import NotFoundError

from chassis import logs
from chassis.announcing import LOOK_SECONDS, announce, credentials_or_exit
from chassis.broker import BROKER_ERRORS, Broker, BrokerUnavailable, has_stream
from chassis.stopping import Stop

BUCKET = "INSTANCES"
STREAM, SUBJECT = f"KV_{BUCKET}", f"$KV.{BUCKET}."
TTL_SECONDS = 10.0
BEAT_SECONDS = 2.0
CALL_SECONDS = 5.0
log = logging.getLogger(__name__)

Instances = dict[str, list[str]]


class Registry:
    """Instances by service; one that is not registered again within `ttl_seconds` is gone. All methods raise
    BrokerUnavailable and nats.errors.Error."""

    def __init__(self, broker: Broker, *, ttl_seconds: float = TTL_SECONDS) -> None:
        self._broker = broker
        self.ttl_seconds = ttl_seconds

    async def register(self, service: str, url: str) -> None:
        """Put an instance in, or say that it is still there."""
        await self._ensure_bucket()
        async with asyncio.timeout(CALL_SECONDS):
            await self._broker.jetstream().publish(_subject(service, url), url.encode())

    async def deregister(self, service: str, url: str) -> None:
        """Take an instance out; harmless if it is not in."""
        await self._ensure_bucket()
        async with asyncio.timeout(CALL_SECONDS):
            await self._broker.jetstream().purge_stream(STREAM, subject=_subject(service, url))

    async def list(self) -> Instances:
        """Return the instances of each service, in order."""
        await self._ensure_bucket()
        async with asyncio.timeout(CALL_SECONDS):
            info = await self._broker.jetstream().stream_info(STREAM, subjects_filter=f"{SUBJECT}>")
        found: defaultdict[str, list[str]] = defaultdict(list)
        for subject in info.state.subjects or {}:
            service, url = _named(subject)
            if url:
                found[service].append(url)
        return {service: sorted(found[service]) for service in sorted(found)}

    async def watch(self, stop: Stop, known: Instances | None = None) -> AsyncIterator[Instances]:
        """Yield the instances each time they change, from those that are `known` on. While the broker is away they stay
        as they are, and for one TTL after it is back none is taken out: their hearts could not beat."""
        last: Instances = dict(known or {})
        session, sure_at = -1, 0.0
        now = asyncio.get_running_loop().time
        first = True
        while not stop.asked:
            try:
                found = await self.list()
            except BROKER_ERRORS as error:
                log.debug("registry not read: %r", error)
            else:
                if self._broker.session != session:
                    session, sure_at = self._broker.session, now() + self.ttl_seconds
                if now() < sure_at:
                    found = _both(last, found)
                if first or found != last:
                    last, first = found, False
                    yield dict(found)
            await stop.pause(LOOK_SECONDS)

    async def _ensure_bucket(self) -> None:
        js = self._broker.jetstream()
        if await has_stream(js, STREAM):
            return
        try:
            await js.create_key_value(KeyValueConfig(bucket=BUCKET, ttl=self.ttl_seconds))
        except NotFoundError as absent:
            raise BrokerUnavailable() from absent


def _subject(service: str, url: str) -> str:
    return f"{SUBJECT}{service}.{base64.urlsafe_b64encode(url.encode()).decode()}"


def _named(subject: str) -> tuple[str, str]:
    """Return the service and the address a subject names; an empty one for what nobody here has put in."""
    service, _, name = subject.removeprefix(SUBJECT).rpartition(".")
    try:
        return service, base64.urlsafe_b64decode(name).decode()
    except (binascii.Error, ValueError):
        return service, ""


def _both(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> Instances:
    services = sorted({*one, *other})
    return {service: sorted({*one.get(service, ()), *other.get(service, ())}) for service in services}


async def follow(registry: Registry, path: Path, stop: Stop) -> None:
    """Keep a file of the instances of each service, {"name": ["http://host:port"]}, until a stop is asked for."""
    async for instances in registry.watch(stop, _read(path)):
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_text(json.dumps(instances, indent=1) + "\n", "utf-8")
        os.replace(beside, path)
        log.info("instances written: %d", sum(map(len, instances.values())))


def _read(path: Path) -> Instances:
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return {}  # the first of its kind


async def _run(told: argparse.Namespace) -> None:
    stop, broker_stop = Stop(), Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.ask)
    tls = credentials_or_exit()
    broker = Broker(told.nats_url, client_name="registry", tls=tls)
    connection = asyncio.create_task(broker.run(broker_stop))
    registry = Registry(broker, ttl_seconds=told.ttl_seconds)
    try:
        if told.action == "announce":
            await announce(registry, told.service, told.url, stop, beat_seconds=told.beat_seconds, tls=tls)
        elif told.action == "follow":
            await follow(registry, told.file, stop)
        elif told.action == "watch":
            async for instances in registry.watch(stop):
                _say(instances)
        else:
            await _once(registry, broker, told)
    finally:
        broker_stop.ask()
        await asyncio.wait({connection})
        await broker.close()


async def _once(registry: Registry, broker: Broker, told: argparse.Namespace) -> None:
    async with asyncio.timeout(CALL_SECONDS):
        while not broker.connected:
            await asyncio.sleep(LOOK_SECONDS / 10)
    if told.action == "deregister":
        await registry.deregister(told.service, told.url)
    _say(await registry.list())


def _say(instances: Instances) -> None:
    print(json.dumps(instances), flush=True)  # noqa: T201 - a command's answer


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="chassis.registry", description="Who serves, by service.")
    nats_url = os.environ.get("NATS_URL") or "nats://127.0.0.1:4222"
    parser.add_argument("--nats-url", default=nats_url, help="message broker; default: NATS_URL")
    parser.add_argument(
        "--ttl-seconds", type=float, default=TTL_SECONDS, help="life of an entry, where the bucket is made"
    )
    actions = parser.add_subparsers(dest="action", required=True)
    announcing = actions.add_parser("announce", help="keep an instance registered while it is ready")
    announcing.add_argument("--beat-seconds", type=float, default=BEAT_SECONDS, help="time between two beats")
    leaving = actions.add_parser("deregister", help="take an instance out")
    for each in (announcing, leaving):
        each.add_argument("--service", required=True)
        each.add_argument("--url", required=True, help="http://host:port, as others reach it")
    actions.add_parser("follow", help="keep a file of all instances").add_argument(
        "--file", required=True, type=Path
    )
    actions.add_parser("list", help="print all instances")
    actions.add_parser("watch", help="print them each time they change")
    logs.configure("registry", "INFO")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
