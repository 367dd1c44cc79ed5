"""`scripts/cluster-secrets`: what a shop's store of secrets holds in a cluster, made anew.

Usage: scripts/cluster-secrets --namespace NAME | --folder NEW_FOLDER
"""

import argparse
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from stack import keys
from stack.places import DATABASES, SERVICES, Places

PASSWORD_BYTES = 24
OF_THE_PROVIDER = ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRETS")
Entries = dict[str, dict[str, str]]


def entries(places: Places, environ: Mapping[str, str]) -> Entries:
    """Return the members of each entry: signing keys, the bundle to verify them, and a password for each role."""
    pairs = json.loads(keys.run(places, "gateway", "-c", keys.SIGNING_KEYS, *SERVICES))
    made: Entries = {
        f"souk-{issuer}": {"signing-key.jwk": json.dumps(private)} for issuer, (private, _) in pairs.items()
    }
    for name in DATABASES:
        for role in ("owner", "runtime"):
            made[f"souk-{name}"][f"db-{role}-password"] = secrets.token_urlsafe(PASSWORD_BYTES)
    made["souk-users"]["token-keys.json"] = keys.run(places, "users", "-m", "users.keys")
    made["souk-payments"] |= {
        "stripe-api-key": environ.get("STRIPE_API_KEY") or password("stripe-api-key"),
        "stripe-webhook-secrets": environ.get("STRIPE_WEBHOOK_SECRETS") or password("stripe-webhook-secret"),
    }
    made["souk-nats"] = {"password": password("nats-password")}
    bundle = {"keys": [public for _, public in pairs.values()]}
    return made | {"souk-trust": {"trust-bundle.json": json.dumps(bundle, indent=1)}}


def password(name: str) -> str:
    """Return a new password, with the letters that its reader wants in front."""
    return keys.PREFIXES[name] + secrets.token_urlsafe(keys.PASSWORDS[name])


def as_objects(made: Entries, namespace: str) -> str:
    """Return the entries as Secrets of a namespace, for `kubectl create -f -`."""
    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "stringData": members,
        }
        for name, members in made.items()
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=1)


def write(made: Entries, folder: Path) -> None:
    """Write a file for each entry that its owner alone can read. Raises FileExistsError rather than replace any."""
    folder.mkdir(mode=0o700, parents=True)
    for name, members in made.items():
        keys.write_private(folder / f"{name}.json", json.dumps(members, indent=1))


def main() -> None:
    """Run `scripts/cluster-secrets`."""
    parser = argparse.ArgumentParser(prog="scripts/cluster-secrets", description="Make a shop's secrets.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--namespace", help="print Secrets of this namespace")
    where.add_argument("--folder", type=Path, help="write a file of JSON for each entry into this new folder")
    told = parser.parse_args()
    absent = [name for name in OF_THE_PROVIDER if not os.environ.get(name)]
    if absent:
        print(
            f"made up, as if for the sandbox: {' and '.join(absent)}; Stripe will not know it",
            file=sys.stderr,
        )
    made = entries(Places.of(), os.environ)
    if told.namespace:
        sys.stdout.write(as_objects(made, told.namespace))
        return
    try:
        write(made, told.folder)
    except FileExistsError:
        sys.exit(f"{told.folder} is there already; its secrets may be in use, so nothing was made")
    print(f"{told.folder}: {', '.join(sorted(made))}")


if __name__ == "__main__":
    main()
