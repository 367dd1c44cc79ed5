"""All services of the gateway in this process: their instances followed and looked at, for both ways of asking."""

from collections.abc import Mapping

from gateway.channel import Reactor
from gateway.upstream.breaker import Breaker
from gateway.upstream.checks import Checks
from gateway.upstream.group import Group
from gateway.upstream.instance import Instance
from gateway.upstream.service import Service
from gateway.upstream.sources import Address, StaticList
from gateway.upstream.ways import Ways


class Fleet:
    """Services by name: `requests` for what is answered at once, `streams` for answers that go on and on."""

    def __init__(self, reactor: Reactor, addresses: Mapping[str, str], ways: Ways) -> None:
        self._reactor = reactor
        self._ways = ways
        self._checks = Checks(
            interval_seconds=ways.check_interval_seconds, timeout_seconds=ways.check_timeout_seconds
        )
        groups = {name: Group(name, self._open, self._checks.watch) for name in addresses}
        self.requests = {
            name: Service(name, group, connections=ways.requests) for name, group in groups.items()
        }
        self.streams = {
            name: Service(name, group, connections=ways.streams) for name, group in groups.items()
        }
        for name, group in groups.items():
            StaticList(addresses[name]).follow(group.update)

    def close(self) -> None:
        """Close what is idle."""
        for service in self.requests.values():
            service.close()

    def _open(self, address: Address) -> Instance:
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
        )
