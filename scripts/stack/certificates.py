"""`scripts/certificates`: an authority for development and a certificate for each process, made, and made anew.

Usage: scripts/certificates [renew] [FOLDER]
"""

import sys
from pathlib import Path

from stack import keys
from stack.environments import prepare
from stack.places import Places
from stack.processes import Supervisor

# The names others look for in a certificate, the first being the folder's: a server's are those its clients call.
WANTED = (
    "gateway",
    "users",
    "orders",
    "payments",
    "nats=localhost,127.0.0.1",
    "users-db",
    "orders-db",
    "payments-db",
)


def make_missing(places: Places, folder: Path | None = None, *, renew: bool = False) -> str:
    """Make the certificates that a folder, the stack's own, does not have yet, or all anew; say which."""
    options = ["--renew"] if renew else []
    command = ("-m", "chassis.authority", *options, str(folder or places.certificates), *WANTED)
    return keys.run(places, "gateway", *command)


def main() -> None:
    """Run `scripts/certificates`."""
    arguments, places = sys.argv[1:], Places.of()
    renew = arguments[:1] == ["renew"]
    named = arguments[renew:]
    if len(named) > 1 or (named and named[0].startswith("-")):
        sys.exit(__doc__)
    prepare(places, ["gateway"])
    folder = Path(named[0]).resolve() if named else None
    print(make_missing(places, folder, renew=renew), end="")
    supervisor = Supervisor(places)
    if renew and folder is None and supervisor.is_running():
        supervisor.signal("engines:nats", "HUP")  # the others look at their files by themselves


if __name__ == "__main__":
    main()
