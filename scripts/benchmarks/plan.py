"""The plan of a run: how long, how often, and with how many clients everything is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The same for everybody that is compared."""

    rounds: int = 5
    seconds: float = 3
    warm_up_seconds: float = 1
    clients: int = 64
    writers: int = 20  # who place orders at once: all connections of two processes to their database
    pay_seconds: float = 30
    overload_seconds: float = 60
    stored_orders: int = 1_000_000

    @classmethod
    def of(cls, rounds: int, seconds: float) -> "Plan":
        """Return the plan for so many rounds of so many seconds; 0 seconds: as long as planned.

        A run of very short turns is to see that everything walks, so what takes longer is cut as well.
        """
        if seconds <= 0 or seconds == cls.seconds:
            return cls(rounds)
        if seconds >= 2:
            return cls(rounds, seconds)
        return cls(
            rounds, seconds, 0.5, pay_seconds=2 * seconds, overload_seconds=3 * seconds, stored_orders=20_000
        )
