"""All services of the gateway in this process: their instances followed and looked at, for both ways of asking."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import gevent

from gateway.channel import Reactor
from gateway.upstream.breaker import Breaker
from gateway.upstream.checks import Checks
from gateway.upstream.group import Group
from gateway.upstream.instance import Instance
from gateway.upstream.service import Service
from gateway.upstream.sources import Address, Source, source_of
from gateway.upstream.ways import Ways

if TYPE_CHECKING:
    from chassis.tls import Credentials

_FIRST_SECONDS = 2.0


class Fleet:
    """Services by name: `requests` for what is answered at once, `streams` for answers that go on and on."""

    def __init__(
        self,
        reactor: Reactor,
        addresses: Mapping[str, str],
        canaries: Mapping[str, str],
        ways: Ways,
        tls: "Credentials | None" = None,
    ) -> None:
        self._reactor = reactor
        self._tls = tls
        self._ways = ways
        self._checks = Checks(
            interval_seconds=ways.check_interval_seconds, timeout_seconds=ways.check_timeout_seconds
        )
        stable = {name: self._group(name, name) for name in addresses}
        canary = {name: self._group(f"{name}-canary", name) for name, listed in canaries.items() if listed}
        self.requests = {
            name: Service(name, group, canary.get(name), connections=ways.requests)
            for name, group in stable.items()
        }
        self.streams = {
            name: Service(name, group, canary.get(name), connections=ways.streams)
            for name, group in stable.items()
        }
        followed = [(group, addresses[name]) for name, group in stable.items()]
        followed += [(group, canaries[name]) for name, group in canary.items()]
        scheme = "http" if tls is None else "https"
        sources = [
            (group, source_of(text, group.name, dns_refresh_seconds=ways.dns_refresh_seconds, scheme=scheme))
            for group, text in followed
        ]
        # Whoever is served first shall find them known; a name server that is down keeps nobody from starting.
        gevent.joinall([gevent.spawn(_take, *each) for each in sources], timeout=_FIRST_SECONDS)
        for each in sources:
            gevent.spawn(_follow, *each)

    def close(self) -> None:
        """Close what is idle."""
        for service in self.requests.values():
            service.close()

    def _group(self, name: str, service: str) -> Group:
        return Group(name, partial(self._open, service), self._checks.watch)

    def _open(self, service: str, address: Address) -> Instance:
        ways = self._ways
        return Instance(
            self._reactor,
            address.host,
            address.port,
            breaker=Breaker(
                failures=ways.failures,
                pause_seconds=ways.pause_seconds,
                longest_seconds=ways.longest_pause_seconds,
            ),
            connect_seconds=ways.connect_seconds,
            idle_seconds=ways.idle_seconds,
            tls=self._tls,
            name=service,
        )


def _take(group: Group, source: Source) -> None:
    addresses = source.read()
    if addresses is not None:
        group.update(addresses)


def _follow(group: Group, source: Source) -> None:
    while pause := source.pause_seconds:
        gevent.sleep(pause)
        _take(group, source)
