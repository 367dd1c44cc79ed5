"""Where the instances of a service are listed: in the setting itself, in DNS, or in a file.

Imported before the app, and therefore importing nothing of gevent at its top.
"""

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

_log = logging.getLogger(__name__)
_DEFAULT_PORTS = {"https": 443}
_LOOKUP_SECONDS = 2.0
_UNKNOWN_SECONDS = 1.0
_FILE_SECONDS = 0.5


class Address(NamedTuple):
    host: str
    port: int


class SourceError(ValueError):
    """What was given names no instances."""


class Source(Protocol):
    def read(self) -> list[Address] | None:
        """Return the instances; None: they cannot be told, or are what they were."""

    @property
    def pause_seconds(self) -> float:
        """After what time to read again; 0: never."""


def address_of(url: str, scheme: str = "http") -> Address:
    """Return the address of one instance, given as http://host:port or in the other scheme. Raises SourceError."""
    return _address(url.strip(), scheme)


def source_of(text: str, name: str, *, dns_refresh_seconds: float = 10.0, scheme: str = "http") -> Source:
    """Return the source a setting names: http://host:port, several with commas, dns://name:port, or file:///path, in
    which `name` is the service's; where TLS is on the `scheme` is https. Raises SourceError."""
    if text.startswith("dns:"):
        return DnsName(*_address(text, "dns"), refresh_seconds=dns_refresh_seconds)
    if text.startswith("file:"):
        path = text.removeprefix("file://")
        if not path.startswith("/"):
            raise SourceError("not of the form file:///path")
        return InstancesFile(Path(path), name, scheme)
    return StaticList(text, scheme)


class StaticList:
    """Addresses with commas between them."""

    pause_seconds = 0.0

    def __init__(self, text: str, scheme: str) -> None:
        self._addresses = [address_of(each, scheme) for each in text.split(",")]

    def read(self) -> list[Address]:
        """Return them."""
        return self._addresses


def _look_up(host: str, port: int) -> Iterable[tuple[str, bool]]:
    """Return the addresses of a name, and of each whether it is of IPv6. Raises OSError."""
    import gevent
    import gevent.socket as sockets

    with gevent.Timeout(_LOOKUP_SECONDS, TimeoutError):
        found = sockets.getaddrinfo(host, port, type=sockets.SOCK_STREAM)
    return [(str(address[0]), family == sockets.AF_INET6) for family, _, _, _, address in found]


class DnsName:
    """All addresses of a name: those of IPv4, or of IPv6 where there is none. The last known stay while the name
    cannot be looked up."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        refresh_seconds: float,
        look_up: Callable[[str, int], Iterable[tuple[str, bool]]] = _look_up,
    ) -> None:
        self._host = host
        self._port = port
        self._refresh_seconds = refresh_seconds
        self._look_up = look_up
        self._known = False

    @property
    def pause_seconds(self) -> float:
        """Return the refresh time; less until the name was found once."""
        return self._refresh_seconds if self._known else min(self._refresh_seconds, _UNKNOWN_SECONDS)

    def read(self) -> list[Address] | None:
        """Look the name up."""
        try:
            found = list(self._look_up(self._host, self._port))
        except OSError as failure:
            _log.warning("name not looked up: %s", self._host, extra={"cause": repr(failure)})
            return None
        self._known = True
        of_ipv4 = [host for host, is_ipv6 in found if not is_ipv6]
        return [Address(host, self._port) for host in sorted(set(of_ipv4 or [host for host, _ in found]))]


class InstancesFile:
    """A JSON file of the addresses of each service: {"orders": ["http://10.0.0.1:8000"]}. One that is broken is refused
    with a line in the log, and the instances stay as they are."""

    pause_seconds = _FILE_SECONDS

    def __init__(self, path: Path, name: str, scheme: str = "http") -> None:
        self._path = path
        self._name = name
        self._scheme = scheme
        self._seen: tuple[int, int, int] | None = (0, 0, 0)

    def read(self) -> list[Address] | None:
        """Read the file if it is another than before."""
        try:
            status = self._path.stat()
            seen: tuple[int, int, int] | None = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            seen = None
        if seen == self._seen:
            return None
        self._seen = seen
        try:
            return _instances(self._path.read_text("utf-8"), self._scheme).get(self._name, [])
        except (OSError, ValueError) as wrong:
            _log.error("instances file refused: %s", self._path, extra={"cause": str(wrong)})
            return None


def _instances(text: str, scheme: str) -> dict[str, list[Address]]:
    listed = json.loads(text)
    if not isinstance(listed, dict) or not all(isinstance(urls, list) for urls in listed.values()):
        raise SourceError("not an object of lists")
    return {name: [address_of(str(url), scheme) for url in urls] for name, urls in listed.items()}


def _address(url: str, scheme: str) -> Address:
    try:
        parts = urlsplit(url)
        port = _DEFAULT_PORTS.get(scheme, 80) if parts.port is None else parts.port
    except ValueError as wrong:
        raise SourceError(str(wrong)) from None
    extra = parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None
    if parts.scheme != scheme or not parts.hostname or port == 0 or extra:
        raise SourceError(f"not of the form {scheme}://host:port")
    return Address(parts.hostname, port)
