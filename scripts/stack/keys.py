"""The keys and passwords of a stack, made at its first start and readable by their owner alone."""

import json
import os
import secrets
import subprocess
from pathlib import Path

from stack.places import SERVICES, Places

PASSWORDS = {"admin-password": 18, "stripe-api-key": 24, "stripe-webhook-secret": 24, "nats-password": 24}
PREFIXES = {"nats-password": "nats_", "stripe-api-key": "sk_test_", "stripe-webhook-secret": "whsec_"}

SIGNING_KEYS = """
import json, sys
from chassis.assertions import generate_key
print(json.dumps({issuer: generate_key(issuer) for issuer in sys.argv[1:]}))
"""


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    new = path.with_name(path.name + ".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def make_missing(places: Places) -> None:
    """Make whatever the stack does not have yet."""
    for name, length in PASSWORDS.items():
        if not (places.keys / name).exists():
            write_private(places.keys / name, PREFIXES.get(name, "") + secrets.token_urlsafe(length))
    if not (places.keys / "trust-bundle.json").exists():
        make_signing_keys(places)
    if not (places.keys / "token-keys.json").exists():
        keys = run(places, "users", "-m", "users.keys")
        write_private(places.keys / "token-keys.json", keys)


def make_signing_keys(places: Places) -> None:
    """Make the key each service signs its assertions with, and the bundle all of them verify against."""
    pairs = json.loads(run(places, "gateway", "-c", SIGNING_KEYS, *SERVICES))
    for issuer, (private, _) in pairs.items():
        write_private(places.keys / f"{issuer}.jwk", json.dumps(private))
    bundle = {"keys": [public for _, public in pairs.values()]}
    write_private(places.keys / "trust-bundle.json", json.dumps(bundle, indent=1))


def run(places: Places, project: str, *arguments: str) -> str:
    """Return what a project's Python prints; the libraries for keys live there, not here."""
    command = [str(places.python(project)), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={}).stdout


def read(places: Places, name: str) -> str:
    """Return one of the passwords."""
    return (places.keys / name).read_text()
