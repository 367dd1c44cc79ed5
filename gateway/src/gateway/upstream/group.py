"""The instances of a service that are alike: who is one of them, and which is asked next."""

from collections.abc import Callable, Collection, Iterable

from gateway.upstream import record
from gateway.upstream.breaker import CLOSED, HALF_OPEN
from gateway.upstream.instance import Instance
from gateway.upstream.message import Message
from gateway.upstream.sources import Address


class Group:
    """Instances as a source lists them; `make` opens one, `watch` is told of each that comes."""

    def __init__(
        self, name: str, make: Callable[[Address], Instance], watch: Callable[["Group", Instance], object]
    ) -> None:
        self.name = name
        self._make = make
        self._watch = watch
        self._instances: dict[Address, Instance] = {}
        self._usable: list[Instance] = []
        self._trials: list[Instance] = []
        self._turn = 0

    @property
    def instances(self) -> list[Instance]:
        """All that are listed."""
        return list(self._instances.values())

    def update(self, addresses: Iterable[Address]) -> None:
        """Have these from now on: those that are new are asked too, those that are not named end what they have."""
        wanted = dict.fromkeys(addresses)
        gone = {address: each for address, each in self._instances.items() if address not in wanted}
        came = [address for address in wanted if address not in self._instances]
        for address, instance in gone.items():
            del self._instances[address]
            instance.retire()
            record.state_of(self.name, instance.authority, "gone")
        for address in came:
            instance = self._instances[address] = self._make(address)
            instance.breaker.on_change = lambda before, why, of=instance: self._changed(of, before, why)
        if gone or came:
            self.refresh()
            record.members(
                self.name,
                [self._instances[address].authority for address in came],
                [instance.authority for instance in gone.values()],
            )
        for address in came:
            self._watch(self, self._instances[address])

    @property
    def inviting(self) -> bool:
        """Whether there is one that is ready, or to be tried."""
        return bool(self._trials) or any(each.ready for each in self._usable)

    def choose(self, message: Message, tried: Collection[Instance] = ()) -> Instance | None:
        """Return the instance with the least requests in flight, of several in turn; None: none may be asked."""
        if self._trials and (message.repeatable or not self._usable):
            for instance in self._trials:
                if instance not in tried:
                    instance.breaker.try_once()
                    return instance
        usable = self._usable
        if len(usable) == 1 and not tried:
            return usable[0]
        self._turn += 1
        best = None
        for offset in range(len(usable)):
            instance = usable[(self._turn + offset) % len(usable)]
            if instance not in tried and (best is None or instance.in_flight < best.in_flight):
                best = instance
        return best if usable else self._last_resort(tried)

    def wait_seconds(self) -> float:
        """Return how long it takes until one that is left alone is looked at again."""
        return min((each.breaker.wait_seconds() for each in self._instances.values()), default=0.0)

    def refresh(self) -> None:
        """Look again who may be asked: those that are ready, or, where nobody is, those that can tell why."""
        instances = self._instances.values()
        closed = [each for each in instances if each.breaker.state == CLOSED]
        self._usable = [each for each in closed if each.ready] or closed
        self._trials = [
            each for each in instances if each.breaker.state == HALF_OPEN and not each.breaker.trying
        ]
        for each in instances:
            record.state_of(self.name, each.authority, state(each))

    def close(self) -> None:
        """Close what is idle."""
        for instance in self._instances.values():
            instance.close()

    def _last_resort(self, tried: Collection[Instance]) -> Instance | None:
        for instance in self._instances.values():
            if instance not in tried and instance.breaker.last_resort:
                instance.breaker.try_once()
                return instance
        return None

    def _changed(self, instance: Instance, before: str, why: str) -> None:
        if not instance.retired:
            self.refresh()
        if before != instance.breaker.state:
            record.changed(self.name, instance.authority, before, instance.breaker.state, why)


def state(instance: Instance) -> str:
    """Return the state of an instance in one word of record.STATES."""
    if instance.breaker.state != CLOSED:
        return instance.breaker.state
    return record.IN_USE if instance.ready else record.UNREADY
