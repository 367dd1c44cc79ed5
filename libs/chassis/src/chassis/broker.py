"""The message broker: one connection to NATS a worker, kept for ever, and its streams."""

import asyncio
import logging
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import NotFoundError

from chassis.errors import Unavailable
from chassis.stopping import Stop

if TYPE_CHECKING:
    from chassis.tls import Credentials

CONNECT_TIMEOUT_SECONDS = 2
RECONNECT_SECONDS = 0.5
CLOSE_SECONDS = 2
# A silent server is given up after the second ping without an answer.
PING_SECONDS = 2
log = logging.getLogger(__name__)
# asyncio says so of each connection over TLS that its peer ends, whoever has made the protocol.
logging.getLogger("asyncio").addFilter(lambda record: "eof_received" not in str(record.msg))


# Consumers are set back (2.14), and batches are written whole (2.12).
OLDEST_SERVER = (2, 14)


class BrokerUnavailable(Unavailable):
    code = "broker_unavailable"
    title = "The message broker cannot be reached"


# What the broker's absence looks like to those who use it.
BROKER_ERRORS = (BrokerUnavailable, nats.errors.Error, OSError, TimeoutError)


class Broker:
    """A connection to NATS that comes back by itself whatever happens to the server."""

    name = "broker"

    def __init__(
        self, url: str, client_name: str, *, tls: "Credentials | None" = None, replicas: int = 1
    ) -> None:
        """Take its address, this client's name, and how many servers keep each stream that is made; under `tls` no
        byte is sent plainly, whatever the server says."""
        self.replicas = replicas
        self._url = url
        self._tls = tls
        self._client_name = client_name
        self._client = Client()
        self._too_old = ""  # what is said of a server that is
        self._closing = False
        self.session = 0  # counts connections: what was asked for in an earlier one is lost

    @property
    def connected(self) -> bool:
        return self._client.is_connected and not self._too_old

    @property
    def client(self) -> Client:
        """The NATS client. Raises BrokerUnavailable without a connection, or with one to a server that is too old."""
        self.check()
        return self._client

    def check(self) -> None:
        """Check for readiness. Raises BrokerUnavailable."""
        if not self._client.is_connected:
            raise BrokerUnavailable()
        if self._too_old:
            raise BrokerUnavailable(self._too_old)

    def jetstream(self) -> JetStreamContext:
        """Return a JetStream context. Raises BrokerUnavailable."""
        return self.client.jetstream(timeout=CONNECT_TIMEOUT_SECONDS)

    async def run(self, stop: Stop) -> None:
        """Keep the connection until a stop is asked for, however often it or its first attempt fails."""
        while not stop.asked:
            closed = asyncio.Event()
            self._client = Client()
            try:
                await stop.unless(self._connect(closed))
                # The client reconnects by itself; it closes for good only when the server refuses it.
                await stop.unless(closed.wait())
            except BROKER_ERRORS as error:
                log.error("no connection to the broker: %s: %s", type(error).__name__, error)
            await stop.pause(RECONNECT_SECONDS)

    def _greet(self, words: str) -> None:
        found = self._client.connected_server_version
        self._too_old = ""
        if (found.major, found.minor) < OLDEST_SERVER:
            needed, has = ".".join(map(str, OLDEST_SERVER)), f"{found.major}.{found.minor}.{found.patch}"
            self._too_old = f"the broker is NATS {has}, and {needed} or newer is needed"
            log.error(self._too_old)
        else:
            log.info(words)
        self.session += 1

    async def close(self) -> None:
        """Send what is buffered and close the connection, within 2 s."""
        self._closing = True
        with suppress(*BROKER_ERRORS):
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._client.is_connected:
                    await self._client.flush()
                await self._client.close()

    async def _connect(self, closed: asyncio.Event) -> None:
        async def lost() -> None:
            if not self._closing:
                log.warning("connection to the broker lost")

        async def back() -> None:
            self._greet("connected to the broker again")

        async def ended() -> None:
            closed.set()

        async def failed(error: Exception) -> None:
            if self._tls is not None and isinstance(error, ssl.SSLError):
                self._tls.tell("no connection to the broker", error)
            # While it is down there is one of these each attempt.
            level = logging.WARNING if self.connected else logging.DEBUG
            log.log(level, "broker: %s: %s", type(error).__name__, error)

        log.info("connecting to the broker")
        await self._client.connect(
            self._url,
            name=self._client_name,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type]
            max_reconnect_attempts=-1,
            ping_interval=PING_SECONDS,
            error_cb=failed,
            disconnected_cb=lost,
            reconnected_cb=back,
            closed_cb=ended,
            **({} if self._tls is None else {"tls": self._tls.client, "tls_handshake_first": True}),
        )
        self._greet("connected to the broker")


async def connect_once(url: str, tls: "Credentials | None" = None) -> Client:
    """Connect for a command that somebody waits for: at once or not at all. Raises what is in BROKER_ERRORS."""
    client = Client()

    async def told_by_the_exception(_: Exception) -> None:
        """The library would log a traceback for each attempt."""

    await client.connect(
        url,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        allow_reconnect=False,
        max_reconnect_attempts=1,
        reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type]
        error_cb=told_by_the_exception,
        **({} if tls is None else {"tls": tls.client, "tls_handshake_first": True}),
    )
    return client


async def has_stream(js: JetStreamContext, name: str) -> bool:
    """Tell whether there is a stream of this name. Raises nats.errors.Error."""
    try:
        await js.stream_info(name)
    except NotFoundError:
        return False
    return True


async def ensure_stream(
    js: JetStreamContext, name: str, subjects: str, days: float, replicas: int = 1
) -> None:
    """Make a stream on the disks of so many servers that keeps messages for some days and takes batches, unless there
    is one of this name, which is an operator's to configure, but for the batches. Raises nats.errors.Error."""
    if await has_stream(js, name):
        config = (await js.stream_info(name)).config
        if not config.allow_atomic:
            await js.update_stream(config.evolve(allow_atomic=True))
            log.info("stream takes batches now: %s", name)
        return
    config = StreamConfig(
        name=name,
        subjects=[subjects],
        storage=StorageType.FILE,
        max_age=days * 24 * 60 * 60,
        allow_atomic=True,
        num_replicas=replicas,
    )
    await js.add_stream(config)
    log.info("stream made: %s", name)
