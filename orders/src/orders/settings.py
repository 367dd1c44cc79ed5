"""Settings: all that orders reads from its environment."""

from dataclasses import dataclass

from chassis.settings import ServiceSettings, setting

PREFIX = "ORDERS_"


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    currency: str = setting(
        "EUR", doc="ISO 4217 code of all prices; what is priced in another is not for sale"
    )
    payment_window_seconds: int = setting(900, minimum=1, doc="seconds to pay in before an order expires")
    expiry_poll_seconds: float = setting(1.0, minimum=0.05, doc="seconds between two looks for unpaid orders")
