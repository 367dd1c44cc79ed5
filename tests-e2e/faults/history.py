"""The history: what every shopper asked and was told, appended as it happens, one JSON line each."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Told:
    """One request and its answer; `status` 0 stands for none. `try_number` counts how often it was sent."""

    at: float
    seconds: float
    user_id: str
    operation: str
    path: str
    key: str
    body: str
    try_number: int
    status: int
    answer: str

    @property
    def request(self) -> tuple[str, str, str]:
        """What the key is scoped to, and the key."""
        return self.user_id, self.path, self.key

    @property
    def done(self) -> bool:
        return 200 <= self.status < 300

    @property
    def final(self) -> bool:
        """Whether the answer is one that a good client does not ask again for."""
        return self.done or (400 <= self.status < 500 and not self.later)

    @property
    def later(self) -> bool:
        return self.status in (401, 408, 429) or self.code == "request_in_progress"

    @property
    def code(self) -> str:
        return "" if self.done or not self.answer else str(self.json().get("code", ""))

    def json(self) -> dict[str, Any]:
        try:
            found = json.loads(self.answer)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class History:
    """All that was told since the history began, in the order it was told."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.began_at = time.time()
        self.users: set[str] = set()
        self._told: list[Told] = []
        self._turn = threading.Lock()
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lines = file.open("a")

    def add(self, told: Told) -> None:
        with self._turn:
            self._told.append(told)
            self._lines.write(json.dumps(asdict(told)) + "\n")
            self._lines.flush()

    def __iter__(self) -> Iterator[Told]:
        with self._turn:
            return iter(list(self._told))

    def done(self, operation: str) -> list[Told]:
        """Return what was acknowledged of an operation."""
        return [told for told in self if told.operation == operation and told.done]

    def acknowledged_orders(self) -> dict[str, dict[str, Any]]:
        """Return the orders that somebody was told are placed, by their ids."""
        return {order["id"]: order for told in self.done("place") for order in [told.json()]}
