"""What every process of the embedded stack is told: a file of variables for each, in the stack's state."""

import shlex
from collections.abc import Mapping
from urllib.parse import quote

from stack import keys
from stack.places import DATABASES, Places

PORTS = (
    "nats",
    "sandbox",
    "users",
    "users-worker",
    "orders",
    "orders-worker",
    "payments",
    "payments-worker",
    "gateway-admin",
)
# Where services that speak TLS are asked by who has no certificate.
PROBE_PORTS = tuple(f"{name}-probes" for name in DATABASES)
PEERS = {"users": "gateway", "orders": "gateway,payments", "payments": "gateway"}
ADMIN_EMAIL = "admin@souk.example"


def database_url(places: Places, role: str, database: str) -> str:
    """Return the URL of a database of the stack's PostgreSQL, which listens on a unix socket only."""
    return f"postgresql://{role}@/{database}?host={quote(str(places.postgres_socket), safe='')}"


def local(port: int, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{port}"


def of_process(places: Places, name: str) -> dict[str, str]:
    """Return what the gateway and every service are told alike, without the prefix of their names."""
    own = places.certificates / name
    certificate = {
        "TLS_CERTIFICATE_FILE": str(own / "tls.crt"),
        "TLS_KEY_FILE": str(own / "tls.key"),
        "TLS_AUTHORITY_FILE": str(own / "ca.crt"),
    }
    return {
        "TRUST_BUNDLE_FILE": str(places.keys / "trust-bundle.json"),
        "SIGNING_KEY_FILE": str(places.keys / f"{name}.jwk"),
        **(certificate if places.tls else {}),
    }


def of_service(places: Places, name: str, ports: Mapping[str, int]) -> dict[str, str]:
    """Return what every service with a database and a worker is told, without the prefix of its name."""
    scheme = "tls" if places.tls else "nats"
    secured = (
        {"PROBE_BIND": f"127.0.0.1:{ports[name + '-probes']}", "TLS_PEERS": PEERS[name]} if places.tls else {}
    )
    return (
        of_process(places, name)
        | secured
        | {
            "BIND": f"127.0.0.1:{ports[name]}",
            "WORKER_BIND": f"127.0.0.1:{ports[name + '-worker']}",
            "DB_URL": database_url(places, f"{name}_runtime", name),
            "DB_OWNER_URL": database_url(places, f"{name}_owner", name),
            "NATS_URL": f"{scheme}://souk:{keys.read(places, 'nats-password')}@127.0.0.1:{ports['nats']}",
        }
    )


def of_all(places: Places, ports: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """Return the variables of each program of deploy/embedded/supervisord.conf that reads any."""
    public, scheme = local(ports["gateway"]), "https" if places.tls else "http"
    api_key, webhook_secret = keys.read(places, "stripe-api-key"), keys.read(places, "stripe-webhook-secret")
    own = {
        "gateway": {
            "BIND": f"127.0.0.1:{ports['gateway']}",
            "ADMIN_BIND": f"127.0.0.1:{ports['gateway-admin']}",
            **{f"{name.upper()}_URL": local(ports[name], scheme) for name in DATABASES},
            "TOKEN_ISSUER": public,
            # All callers share this machine's address, and one test is as many of them as a town.
            "RATE_EXEMPT": "127.0.0.0/8,::1",
        },
        "users": {"TOKEN_ISSUER": public, "TOKEN_KEYS_FILE": str(places.keys / "token-keys.json")},
        "orders": {},
        "payments": {
            "ORDERS_URL": local(ports["orders"], scheme),
            "STRIPE_API_BASE": local(ports["sandbox"]),
            "STRIPE_API_KEY": api_key,
            "STRIPE_WEBHOOK_SECRETS": webhook_secret,
        },
        "sandbox": {
            "BIND": f"127.0.0.1:{ports['sandbox']}",
            "LEDGER_FILE": str(places.ledger),
            "API_KEY": api_key,
            "WEBHOOK_URL": f"{public}/api/v1/payments/webhooks/stripe",
            "WEBHOOK_SECRET": webhook_secret,
        },
    }
    shared = {name: of_service(places, name, ports) for name in DATABASES} | {
        "gateway": of_process(places, "gateway")
    }
    prefixed = {
        name: {f"{name.upper()}_{field}": value for field, value in (shared.get(name, {}) | fields).items()}
        for name, fields in own.items()
    }
    broker = {"NATS_PORT": str(ports["nats"]), "NATS_STORE": str(places.state / "nats")}
    if places.tls:
        own_files = {"CERTIFICATE": "tls.crt", "KEY": "tls.key", "AUTHORITY": "ca.crt"}
        broker |= {
            f"NATS_TLS_{what}": str(places.certificates / "nats" / file) for what, file in own_files.items()
        }
    return prefixed | {"postgres": {}, "nats": broker | {"NATS_PASSWORD": keys.read(places, "nats-password")}}


def of_people(places: Places, ports: Mapping[str, int]) -> dict[str, str]:
    """Return what a person or a test needs to use the stack."""
    return {
        "GATEWAY_URL": local(ports["gateway"]),
        "ADMIN_EMAIL": ADMIN_EMAIL,
        "ADMIN_PASSWORD": keys.read(places, "admin-password"),
        "STRIPE_API_BASE": local(ports["sandbox"]),
        "STRIPE_API_KEY": keys.read(places, "stripe-api-key"),
    }


def as_shell(variables: Mapping[str, str]) -> str:
    """Return variables as lines that a shell can read."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def write(places: Places, ports: Mapping[str, int]) -> None:
    """Write the file of each process, and the one for people."""
    for name, variables in of_all(places, ports).items():
        keys.write_private(places.settings_of(name), as_shell(variables))
    keys.write_private(places.env_file, as_shell(of_people(places, ports)))
