"""The heart of an instance: it is in the registry while it says that it is ready."""

import asyncio
import http.client
import logging
import os
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from chassis.broker import BROKER_ERRORS
from chassis.settings import EXIT_CONFIG, SettingsError
from chassis.stopping import Stop

if TYPE_CHECKING:
    from chassis.tls import Credentials

LOOK_SECONDS = 0.5
READY_SECONDS = 1.0
log = logging.getLogger(__name__)


class Register(Protocol):
    """What of the registry matters here."""

    async def register(self, service: str, url: str) -> None: ...

    async def deregister(self, service: str, url: str) -> None: ...


async def announce(
    registry: Register,
    service: str,
    url: str,
    stop: Stop,
    *,
    beat_seconds: float,
    tls: "Credentials | None" = None,
) -> None:
    """Keep an instance registered while its /readyz says that it is ready, until a stop is asked for."""
    registered = False
    while not stop.asked:
        ready = await asyncio.to_thread(is_ready, url, service, tls)
        try:
            if ready:
                await registry.register(service, url)
            elif registered:
                await registry.deregister(service, url)
            if ready != registered:
                log.info("%s: %s", url, "registered" if ready else "not ready, deregistered")
            registered = ready
        except BROKER_ERRORS as error:
            log.warning("not announced: %s", type(error).__name__)
        await stop.pause(beat_seconds if registered else LOOK_SECONDS)
    if registered:
        try:
            await registry.deregister(service, url)
        except BROKER_ERRORS as error:
            log.warning("not deregistered, its time will run out: %s", type(error).__name__)


def is_ready(url: str, service: str = "", tls: "Credentials | None" = None) -> bool:
    """Ask an instance whether it is ready; under TLS it must be certified for the service's name."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=READY_SECONDS)
    try:
        if tls is not None:
            connection.connect()
            connection.sock = tls.client.wrap_socket(connection.sock, server_hostname=service)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException) as failure:
        if tls is not None and isinstance(failure, ssl.SSLError):
            tls.tell("no TLS with instance", failure, instance=url)
        return False
    finally:
        connection.close()


def credentials_or_exit() -> "Credentials | None":
    """Return the credentials that TLS_CERTIFICATE_FILE, TLS_KEY_FILE and TLS_AUTHORITY_FILE name, where they do; exit
    with code 78 where they cannot be used."""
    named = [os.environ.get(f"TLS_{each}_FILE", "") for each in ("CERTIFICATE", "KEY", "AUTHORITY")]
    if not any(named):
        return None
    from chassis.certificates import TlsFiles
    from chassis.tls import Credentials  # who speaks plainly does without

    try:
        return Credentials(TlsFiles(*map(Path, named)), service="registry")
    except SettingsError as wrong:
        for line in wrong.lines:
            log.error("setting refused: %s", line)
        sys.exit(EXIT_CONFIG)
