"""Where kept answers lie: bounded in bytes, found by target and header values, forgotten by path."""

from collections import OrderedDict
from typing import Final

from gateway.cache.entry import Entry

LONGEST_KEY: Final = 1024
_LARGEST_SHARE = 16
_FORK_BYTES = 256


class Fork:
    """What lies at a key whose answers depend on header values: the names of those headers."""

    __slots__ = ("names", "size", "used")

    def __init__(self, names: tuple[bytes, ...]) -> None:
        self.names = names
        self.size = _FORK_BYTES
        self.used = False


class Store:
    """At most so many bytes of entries. The oldest goes first, but for those that were asked for since they were last
    passed over: so what is asked for again outlives a flood of what is asked for once."""

    def __init__(self, capacity_bytes: int) -> None:
        self.largest_bytes = capacity_bytes // _LARGEST_SHARE
        self.bytes = 0
        self._capacity = capacity_bytes
        self._entries: OrderedDict[bytes, Entry | Fork] = OrderedDict()
        self._keys_of: dict[bytes, set[bytes]] = {}
        self.at = self._entries.get

    def __len__(self) -> int:
        return len(self._entries)

    def keep(self, key: bytes, entry: Entry | Fork) -> bool:
        """Keep an entry in the place of the one there was; tell whether there is room for one of its size."""
        self.drop(key)
        size = entry.size + len(key)
        if size > self.largest_bytes:
            return False
        self._entries[key] = entry
        self._keys_of.setdefault(path_of(key), set()).add(key)
        self.bytes += size
        while self.bytes > self._capacity:
            self._pass_over()
        return True

    def drop(self, key: bytes) -> None:
        """Forget what lies at a key."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._account_for_loss(key, entry)

    def forget(self, path: bytes) -> None:
        """Forget all answers of a path, whatever their query, host and header values."""
        for key in list(self._keys_of.get(path, ())):
            self.drop(key)

    def _pass_over(self) -> None:
        key, entry = self._entries.popitem(last=False)
        if entry.used:
            entry.used = False
            self._entries[key] = entry
        else:
            self._account_for_loss(key, entry)

    def _account_for_loss(self, key: bytes, entry: Entry | Fork) -> None:
        self.bytes -= entry.size + len(key)
        path = path_of(key)
        keys = self._keys_of[path]
        keys.discard(key)
        if not keys:
            del self._keys_of[path]


def path_of(key: bytes) -> bytes:
    """Return the path in a key, or in a request target."""
    return key.partition(b" ")[0].partition(b"?")[0]
