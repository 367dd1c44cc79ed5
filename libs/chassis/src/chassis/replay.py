"""The operator's way to have a service hear events again, once its database was put back from a backup.

`python -m chassis.replay SERVICE --since TIME` sets its consumers back to what was published since, in every stream it
takes; what it knows already the inbox drops. The service's worker does the rest, running or started later.
"""

import argparse
import asyncio
import sys
from datetime import datetime
from typing import TYPE_CHECKING

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from chassis.broker import BROKER_ERRORS, connect_once
from chassis.outbox_admin import moment
from chassis.settings import ServiceSettings, load_or_exit
from chassis.tls_settings import credentials_for

if TYPE_CHECKING:
    from chassis.tls import Credentials

EXIT_UNAVAILABLE = 69
LOOK_SECONDS = 10.0


async def set_back(
    url: str, service: str, since: datetime, tls: "Credentials | None" = None
) -> dict[str, int]:
    """Set a service's consumers back, and return how many events come again, by stream. Raises
    nats.errors.Error."""
    client = await connect_once(url, tls)
    try:
        js = client.jetstream()
        streams = [info.config.name or "" for info in await js.streams_info()]
        taken = [name for name in streams if await _takes(js, name, service)]
        return {name: await _set_back(js, name, service, since) for name in taken}
    finally:
        await client.close()


async def _takes(js: JetStreamContext, stream: str, service: str) -> bool:
    try:
        await js.consumer_info(stream, service)
    except NotFoundError:
        return False
    return True


async def _set_back(js: JetStreamContext, stream: str, service: str, since: datetime) -> int:
    first = await _first_since(js, stream, since)
    reset = await js.reset_consumer(stream, service, seq=first)
    return reset.info.num_pending or 0


async def _first_since(js: JetStreamContext, stream: str, since: datetime) -> int:
    """Return the number of the first message since a moment: a consumer that begins there stands before it."""
    looking = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_TIME,
        opt_start_time=since,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=LOOK_SECONDS,
        mem_storage=True,
    )
    info = await js.add_consumer(stream, looking)
    await js.delete_consumer(stream, info.name)
    return (info.delivered.stream_seq if info.delivered is not None else 0) + 1


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="chassis.replay", description="Have a service hear events again.")
    parser.add_argument("service")
    parser.add_argument(
        "--since", required=True, type=moment, help="when the backup was made, such as 2026-11-20T08:00Z"
    )
    told = parser.parse_args()
    settings = load_or_exit(ServiceSettings, f"{told.service.upper()}_")
    tls = credentials_for(settings, told.service)
    try:
        again = asyncio.run(set_back(settings.nats_url, told.service, told.since, tls))
    except BROKER_ERRORS as failure:
        sys.stderr.write(f"The broker gives no answer: {type(failure).__name__} {failure}\n")
        sys.exit(EXIT_UNAVAILABLE)
    for stream, events in again.items():
        sys.stdout.write(f"{told.service}: {events} events of {stream} come again\n")


if __name__ == "__main__":
    main()
