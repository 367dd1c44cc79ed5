"""Where the instances of a service are listed."""

from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import urlsplit


class Address(NamedTuple):
    host: str
    port: int


Update = Callable[[Iterable[Address]], None]
_DEFAULT_PORT = 80


class SourceError(ValueError):
    """What was given names no instances."""


def address_of(url: str) -> Address:
    """Return the address of one instance, given as http://host:port. Raises SourceError."""
    try:
        parts = urlsplit(url.strip())
        port = _DEFAULT_PORT if parts.port is None else parts.port
    except ValueError as wrong:
        raise SourceError(str(wrong)) from None
    extra = parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None
    if parts.scheme != "http" or not parts.hostname or port == 0 or extra:
        raise SourceError("not of the form http://host:port")
    return Address(parts.hostname, port)


class StaticList:
    """Addresses with commas between them."""

    def __init__(self, text: str) -> None:
        self._addresses = [address_of(each) for each in text.split(",")]

    def follow(self, update: Update) -> None:
        """Tell the addresses."""
        update(self._addresses)
