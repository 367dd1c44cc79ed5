"""Who the client is where trusted proxies stand in front: what they say of it, and nobody else's word."""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

from gateway.front.request import Request

_FOR, _PROTO = b"x-forwarded-for", b"x-forwarded-proto"
_SCHEMES = {b"http": "http", b"https": "https"}
_REMEMBERED = 10_000
_LONGEST = 1024

_shape = re.compile(
    r"\[(?P<bracketed>[0-9A-Fa-f:.]{2,45})\](?::\d{1,5})?|(?P<four>[0-9.]{7,15})(?::\d{1,5})?"
    r"|(?P<six>[0-9A-Fa-f:.]{2,45})"
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The networks of the proxies in front; `scheme` is that of clients who do not come through one that says it."""

    def __init__(self, networks: Iterable[Network], scheme: str) -> None:
        self._networks = tuple(networks)
        self.scheme = scheme
        self._trusts = lru_cache(_REMEMBERED)(self._look_up)
        self._client = lru_cache(_REMEMBERED)(self._read)

    def recognise(self, request: Request) -> str:
        """Make the peer of a request the client's address, and return the client's scheme."""
        if not self._networks or not self._trusts(request.peer):
            return self.scheme
        said, schemes = [], []
        for name, value in request.fields:
            if name == _FOR:
                said.append(value)
            elif name == _PROTO:
                schemes.append(value)
        if said:
            request.peer = self._client(b",".join(said), request.peer)
        return _SCHEMES.get(schemes[0].strip(), self.scheme) if len(schemes) == 1 else self.scheme

    def _read(self, said: bytes, peer: str) -> str:
        """Return the rightmost address that is none of a trusted proxy, the leftmost if all are; the peer's if what
        stands before that is not an address."""
        if len(said) > _LONGEST:
            return peer
        client = peer
        for each in reversed(said.decode("latin-1").split(",")):
            address = _address(each.strip())
            if address is None:
                return peer
            client = address
            if not self._trusts(client):
                break
        return client

    def _look_up(self, peer: str) -> bool:
        address = _address(peer)
        return address is not None and any(ipaddress.ip_address(address) in each for each in self._networks)


def _address(text: str) -> str | None:
    """Return an address in its one canonical form, without a port; None for what is none."""
    match = _shape.fullmatch(text)
    if match is None:
        return None
    try:
        address = ipaddress.ip_address(match["bracketed"] or match["four"] or match["six"])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
