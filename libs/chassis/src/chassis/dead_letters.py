"""The operator's way to the dead letters: the events that a service gave up, in the stream DEAD.

`python -m chassis.dead_letters SERVICE list | redrive [NUMBER ...] | drop NUMBER ...` works on the broker of
<SERVICE>_NATS_URL. A number is the letter's position in the stream.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Collection, Coroutine
from typing import TYPE_CHECKING, Any

from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from chassis.broker import BROKER_ERRORS, connect_once
from chassis.events import CONTENT_TYPE, MalformedEvent, Received, from_wire
from chassis.handling import DEAD_STREAM, dead_subject
from chassis.settings import ServiceSettings, load_or_exit
from chassis.tls_settings import credentials_for

if TYPE_CHECKING:
    from chassis.tls import Credentials

EXIT_UNAVAILABLE = 69
ROW = "  {number:>8}  {died:<20}  {aggregate:<36}  {subject:<32}  {cause}"
HEADING = ROW.format(
    number="number", died="given up", aggregate="aggregate", subject="subject", cause="cause"
)


async def letters(js: JetStreamContext, service: str) -> list[RawStreamMsg]:
    """Return a service's dead letters as they are now, oldest first."""
    found: list[RawStreamMsg] = []
    try:
        last = (await js.stream_info(DEAD_STREAM)).state.last_seq
        number = 1
        while number <= last:
            subject = dead_subject(service, ">")
            found.append(await js.get_msg(DEAD_STREAM, number, subject=subject, next=True))
            number = (found[-1].seq or last) + 1
    except NotFoundError:
        pass  # no stream yet, or nothing behind the last one
    return found


async def redrive(js: JetStreamContext, service: str, numbers: Collection[int] = ()) -> int:
    """Publish dead letters again under their old subject, and remove them; return how many.

    Other services get them as well: whoever handled such an event drops it by its inbox. What is no event has
    nothing that an inbox could know, and would die once more in each of them: it is left unless it is named.
    """
    count = 0
    for letter in await letters(js, service):
        if letter.seq not in numbers if numbers else _event_of(letter) is None:
            continue
        # Under an id of its own: the broker may remember the event's.
        headers = {"Nats-Msg-Id": f"dead-letter.{letter.seq}", "Content-Type": CONTENT_TYPE}
        await js.publish((letter.headers or {})["Souk-Subject"], letter.data or b"", headers=headers)
        await js.delete_msg(DEAD_STREAM, letter.seq or 0)
        count += 1
    return count


async def drop(js: JetStreamContext, service: str, numbers: Collection[int]) -> int:
    """Remove dead letters for good; return how many there were."""
    found = [letter.seq or 0 for letter in await letters(js, service) if letter.seq in numbers]
    for number in found:
        await js.delete_msg(DEAD_STREAM, number)
    return len(found)


async def table(js: JetStreamContext, service: str) -> list[str]:
    """Return the lines that show a service's dead letters."""
    found = [_row(letter) for letter in await letters(js, service)]
    lines = [f"{service}: {len(found)} dead letters"]
    return [*lines, HEADING, *found] if found else lines


def _row(letter: RawStreamMsg) -> str:
    headers, event = letter.headers or {}, _event_of(letter)
    return ROW.format(
        number=letter.seq,
        died=str(letter.time)[:19],
        aggregate=str(event.aggregate_id) if event else "unreadable",
        subject=headers.get("Souk-Subject", ""),
        cause=headers.get("Souk-Cause", ""),
    )


def _event_of(letter: RawStreamMsg) -> Received | None:
    try:
        return from_wire(letter.data or b"")
    except MalformedEvent:
        return None


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="chassis.dead_letters", description="Look after dead letters.")
    parser.add_argument("service")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="the events that the service gave up, and why")
    again = actions.add_parser("redrive", help="publish them again: all that are events, or some")
    again.add_argument("number", nargs="*", type=int)
    away = actions.add_parser("drop", help="remove some for good")
    away.add_argument("number", nargs="+", type=int)
    told = parser.parse_args()
    settings = load_or_exit(ServiceSettings, f"{told.service.upper()}_")

    async def act(js: JetStreamContext) -> list[str]:
        if told.action == "list":
            return await table(js, told.service)
        if told.action == "redrive":
            count = await redrive(js, told.service, told.number)
            return [f"{told.service}: {count} dead letters are tried again"]
        return [f"{told.service}: {await drop(js, told.service, told.number)} dead letters dropped"]

    try:
        lines = asyncio.run(_connected(settings.nats_url, credentials_for(settings, told.service), act))
    except BROKER_ERRORS as failure:
        sys.stderr.write(f"The broker gives no answer: {type(failure).__name__} {failure}\n")
        sys.exit(EXIT_UNAVAILABLE)
    for line in lines:
        print(line)  # noqa: T201 - a command's answer


async def _connected(
    url: str, tls: "Credentials | None", act: Callable[[JetStreamContext], Coroutine[Any, Any, list[str]]]
) -> list[str]:
    client = await connect_once(url, tls)
    try:
        return await act(client.jetstream())
    finally:
        await client.close()


if __name__ == "__main__":
    main()
