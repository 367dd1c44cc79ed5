"""What a stack is given once, at its first start: an administrator and something to sell."""

import sys
from collections.abc import Callable

from stack import keys
from stack.places import Places
from stack.processes import run
from stack.settings import ADMIN_EMAIL


def fill(places: Places) -> None:
    """Make the administrator and load the sample catalogue, unless this stack has them.

    Raises StartFailed.
    """
    once(places, "admin", make_admin)
    once(places, "catalogue", load_sample_catalogue)


def once(places: Places, what: str, make: Callable[[Places], None]) -> None:
    """Make something that was not made yet, and remember it."""
    done = places.state / f"{what}.done"
    if not done.exists():
        make(places)
        done.touch()
        print(f"· {what}: made", flush=True)


def make_admin(places: Places) -> None:
    command = places.run_as("users", "-m", "users.admin", ADMIN_EMAIL)
    run(command, standard_input=keys.read(places, "admin-password"))


def load_sample_catalogue(places: Places) -> None:
    sample = places.temporary / "catalogue.csv"
    sample.write_text(run([sys.executable, str(places.root / "scripts/sample-catalogue")]))
    run(places.run_as("orders", "-m", "orders.catalogue", str(sample)))
