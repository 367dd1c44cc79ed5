"""Between: a proxy on the way from one part to another, put there by the settings of the part that asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from faults.laboratory import PROGRAMS, Laboratory
from faults.proxy import Proxy

# From whom to whom, and the variable that says where that is.
WAYS = {
    "gateway to orders": ("gateway", "GATEWAY_ORDERS_URL"),
    "gateway to payments": ("gateway", "GATEWAY_PAYMENTS_URL"),
    "gateway to users": ("gateway", "GATEWAY_USERS_URL"),
    "payments to orders": ("payments", "PAYMENTS_ORDERS_URL"),
    "payments to the provider": ("payments", "PAYMENTS_STRIPE_API_BASE"),
    "the provider to its webhook": ("sandbox", "SANDBOX_WEBHOOK_URL"),
    "orders to PostgreSQL": ("orders", "ORDERS_DB_URL"),
    "payments to PostgreSQL": ("payments", "PAYMENTS_DB_URL"),
    "orders to NATS": ("orders", "ORDERS_NATS_URL"),
    "payments to NATS": ("payments", "PAYMENTS_NATS_URL"),
}


@contextmanager
def proxies(lab: Laboratory) -> Iterator[dict[str, Proxy]]:
    """Put a proxy on every way, and restart who has to know; afterwards all ask each other directly again."""
    direct = {way: lab.setting(*where) for way, where in WAYS.items()}
    placed = {way: place(lab, way) for way in WAYS}
    told = {program for program, _ in WAYS.values()}
    names = [name for name in PROGRAMS if name.removesuffix("-worker") in told]
    lab.restart(names)
    try:
        yield placed
    finally:
        for way, (program, variable) in WAYS.items():
            lab.tell({program: {variable: direct[way]}})
            placed[way].close()
        lab.restart(names)


def place(lab: Laboratory, way: str) -> Proxy:
    """Put a proxy on a way; who asks there will ask the proxy from its next start on."""
    program, variable = WAYS[way]
    url = lab.setting(program, variable)
    if url.startswith("postgresql:"):
        real = unquote(url.partition("host=")[2])
        folder = Path(real).parent / way.replace(" ", "-")
        folder.mkdir(mode=0o700)
        proxy = Proxy(Path(real) / ".s.PGSQL.5432", folder / ".s.PGSQL.5432")
        new = url.replace(quote(real, safe=""), quote(str(folder), safe=""))
    else:
        parts = urlsplit(url)
        proxy = Proxy((str(parts.hostname), int(str(parts.port))))
        new = urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}")))
    lab.tell({program: {variable: new}})
    return proxy
