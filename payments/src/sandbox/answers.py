"""What a request is answered with, and how promptly."""

from dataclasses import dataclass
from typing import Any

from sandbox.methods import Pace


@dataclass(frozen=True)
class Answer:
    """A status and a JSON body; `follows` names the intent whose outcome a replay tells instead."""

    body: dict[str, Any]
    status: int = 200
    pace: Pace = Pace.PROMPT
    follows: str | None = None
    replayed: bool = False
