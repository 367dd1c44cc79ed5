"""Free ports for the processes of one stack."""

import contextlib
import errno
import random
import socket
from collections.abc import Container, Sequence

# Below every system's range for outgoing connections: a port from that range can be taken, or even be
# connected to itself, while the process that listens on it is being restarted.
LOWEST, HIGHEST = 20000, 29999


class PortBusy(Exception):
    """Somebody else listens on the port the gateway was told to use."""


def is_free(port: int) -> bool:
    """Say whether a server could listen on a port of the loopback interface now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as refused:
            if refused.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def choose(names: Sequence[str], promised: Container[int] = ()) -> dict[str, int]:
    """Return a free port for each name, from a place of the range that differs each time.

    Nobody listens on a promised port yet, but somebody will.
    """
    start = random.randint(LOWEST, HIGHEST)
    candidates = [*range(start, HIGHEST + 1), *range(LOWEST, start)]
    free = (port for port in candidates if port not in promised and is_free(port))
    return dict(zip(names, free, strict=False))


def for_gateway(wanted: str) -> int:
    """Return the gateway's port: the wanted one, or any free one for "0".

    Raises PortBusy.
    """
    port = int(wanted) if wanted.isdigit() else -1
    if port == 0:
        return choose(["gateway"])["gateway"]
    if not 0 < port < 65536:
        raise PortBusy(f"GATEWAY_PORT is {wanted!r}, which is no port: use a number from 1 to 65535.")
    if not is_free(port):
        raise PortBusy(
            f"Port {port} is taken: stop what listens there, or choose another: GATEWAY_PORT=8090 make up"
        )
    return port
