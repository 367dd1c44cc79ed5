"""What is remembered by a key, within bounds: whoever brings many keys makes others forgotten, and nothing larger."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """At most so many values; those that nobody asked for the longest are forgotten first, many at a time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._half = max(1, most // 2)
        self._young: dict[str, T] = {}
        self._old: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: str) -> T | None:
        """Return the value of a key, None where it is not known or was forgotten."""
        value = self._young.get(key)
        if value is None and key in self._old:
            value = self._old.pop(key)
            self.put(key, value)
        return value

    def put(self, key: str, value: T) -> None:
        """Remember the value of a key."""
        if len(self._young) >= self._half and key not in self._young:
            self._old, self._young = self._young, {}
        self._old.pop(key, None)
        self._young[key] = value

    def drop(self, key: str) -> None:
        """Forget a key, if it is known."""
        self._young.pop(key, None)
        self._old.pop(key, None)
