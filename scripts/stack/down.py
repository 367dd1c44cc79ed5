"""`make down`: stop every process of the stack; its state stays for the next start."""

from stack.places import Places
from stack.processes import Supervisor, remaining, stop
from stack.up import alone


def main() -> None:
    """Run `make down`."""
    places = Places.of()
    if not places.state.exists():
        print("Souk is not running.")
        return
    with alone(places):
        running = Supervisor(places).is_running() or any(remaining(places))
        stop(places)
    print("Souk is stopped; its data stays." if running else "Souk is not running.")


if __name__ == "__main__":
    main()
