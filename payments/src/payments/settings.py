"""Settings: all that payments reads from its environment."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chassis import checks
from chassis.settings import Secret, ServiceSettings, setting

SERVICE, PREFIX = "payments", "PAYMENTS_"
MIGRATIONS = Path(__file__).parents[2] / "migrations"


def some_secret(text: str) -> None:
    """Check that a list holds a secret at all. Raises ValueError."""
    if not text.replace(",", "").strip():
        raise ValueError("There is no secret in it.")


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    orders_url: str = setting(check=checks.web_address, doc="address of the orders service")
    stripe_api_base: str = setting(
        "https://api.stripe.com", check=checks.web_address, doc="address of Stripe's API, or of the sandbox"
    )
    stripe_api_key: Secret = setting(doc="Stripe's secret API key")
    stripe_webhook_secrets: Secret = setting(
        check=some_secret,
        doc="secrets of Stripe's webhooks, separated by a comma: one, or two while one replaces the other",
    )
    stripe_timeout_seconds: float = setting(
        8.0, minimum=0.1, maximum=80, doc="longest wait for Stripe's answer to a request, in seconds"
    )
    settle_after_seconds: float = setting(
        2.0, minimum=0, doc="age from which the worker settles a payment that is still processing, in seconds"
    )
    settle_poll_seconds: float = setting(
        1.0, minimum=0.05, doc="seconds between two looks for open payments and refunds"
    )
    settle_lease_seconds: float = setting(
        5.0,
        minimum=0.5,
        doc="longest wait of the worker for Stripe, in seconds; after it another worker may take the same payment",
    )
    settle_tasks: int = setting(
        4, minimum=1, maximum=32, doc="open payments that one worker settles at a time"
    )
    reconcile_poll_seconds: float = setting(
        300.0, minimum=1, doc="seconds between two comparisons with the provider's books"
    )
    reconcile_window_seconds: float = setting(
        93600.0, minimum=60, doc="how far back a comparison looks, in seconds"
    )

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        yield from self.fault_of_peer("ORDERS_URL", self.orders_url)

    def webhook_secrets(self) -> list[str]:
        return [each.strip() for each in self.stripe_webhook_secrets.reveal().split(",") if each.strip()]
