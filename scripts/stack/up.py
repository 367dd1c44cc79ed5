"""`make up`: the stack from nothing, or from whatever is there, to ready."""

import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator

from stack import certificates, databases, first_start, keys, ports, settings
from stack.environments import InstallFailed, prepare
from stack.places import SERVICES, Places
from stack.processes import GROUPS, StartFailed, Supervisor, stop, sweep
from stack.readiness import Watch

USUAL_PORT = "8080"
NEXT = """
Souk is up at {address} ({seconds:.1f} s), a shop to open in a browser

  {of}make demo      a shopper's journey through it, step by step
  {of}make status    what runs, where, since when
  {of}make logs      what it says; SERVICE=orders for one service
  {of}make down      stop it

The administrator is {admin}; the password is in {env_file}
"""


@contextlib.contextmanager
def alone(places: Places) -> Iterator[None]:
    """Let one `up` or `down` of a stack run at a time."""
    places.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(places.state / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start(places: Places, gateway_port: str) -> None:
    """Start a stack that does not run; what fails leaves nothing running.

    Raises StartFailed, PortBusy.
    """
    if sweep(places):
        print("· ended what an earlier run had left", flush=True)
    gateway = ports.for_gateway(gateway_port)
    wanted = settings.PORTS + (settings.PROBE_PORTS if places.tls else ())
    chosen = {"gateway": gateway} | ports.choose(wanted, promised=(gateway,))
    supervisor = Supervisor(places)
    watch = Watch(supervisor)
    try:
        places.make()
        keys.make_missing(places)
        if places.tls:
            certificates.make_missing(places)
        settings.write(places, chosen)
        (places.state / "ports.json").write_text(json.dumps(chosen, indent=1))
        databases.initialise(places)
        supervisor.launch()
        databases.until_answers(places, watch)
        databases.migrate(places)
        supervisor.start_group("services")
        first_start.fill(places)
        watch.until_ready("services", chosen)
        supervisor.start_group("edge")
        watch.until_ready("edge", chosen)
    except BaseException:
        stop(places)
        raise


def resume(places: Places, supervisor: Supervisor) -> None:
    """Start what does not run of a stack that does, and wait until it is ready.

    Raises StartFailed.
    """
    watch, chosen = Watch(supervisor), recorded_ports(places)
    try:
        for group in GROUPS:
            supervisor.start_group(group)
            watch.until_ready(group, chosen)
    except StartFailed as failure:
        raise StartFailed(f"{failure}\nThe rest still runs; make down stops it.") from failure


def up(places: Places, gateway_port: str) -> None:
    """Bring a stack up, print where it is and what to do with it; without a port the gateway gets its usual one."""
    began = time.monotonic()
    supervisor = Supervisor(places)
    if supervisor.is_running():
        print("· already running", flush=True)
        has = str(recorded_ports(places)["gateway"])
        if gateway_port not in ("", "0", has):
            print(f"· GATEWAY_PORT={gateway_port} is not followed: it has {has} until make down", flush=True)
        resume(places, supervisor)
    else:
        prepare(places, SERVICES)
        start(places, gateway_port or USUAL_PORT)
    address = settings.local(recorded_ports(places)["gateway"])
    print(
        NEXT.format(
            address=address,
            of="" if places.is_usual else f"SOUK_STATE={os.path.relpath(places.state)} ",
            seconds=time.monotonic() - began,
            admin=settings.ADMIN_EMAIL,
            env_file=os.path.relpath(places.env_file),
        )
    )


def recorded_ports(places: Places) -> dict[str, int]:
    """Return the ports the running stack was given."""
    return json.loads((places.state / "ports.json").read_text())


def main() -> None:
    """Run `make up`."""
    places = Places.of()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    try:
        with alone(places):
            up(places, os.environ.get("GATEWAY_PORT") or "")
    except (StartFailed, InstallFailed, ports.PortBusy) as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("interrupted; nothing was left running")


if __name__ == "__main__":
    main()
