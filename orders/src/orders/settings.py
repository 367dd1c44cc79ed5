"""Settings: all that orders reads from its environment."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from chassis.settings import ServiceSettings, setting

SERVICE, PREFIX = "orders", "ORDERS_"
MIGRATIONS = Path(__file__).parents[2] / "migrations"


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    currency: str = setting(
        "EUR", doc="ISO 4217 code of all prices; what is priced in another is not for sale"
    )
    payment_window_seconds: int = setting(900, minimum=1, doc="seconds to pay in before an order expires")
    expiry_poll_seconds: float = setting(1.0, minimum=0.05, doc="seconds between two looks for unpaid orders")

    @property
    def payment_window(self) -> timedelta:
        return timedelta(seconds=self.payment_window_seconds)
