"""`make compose-up`, `compose-down`, `e2e-compose`: the stack of deploy/compose.yaml, from nothing to ready.

Usage: scripts/compose up|down|roll|e2e|e2e-rolling [ARGUMENT...], renew for new certificates, or any other command of
docker compose. SOUK_TLS=1 has the containers speak TLS.
"""

import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable

from stack import ports
from stack.compose_roll import roll
from stack.compose_rolling import CONTAINERS, keep_rolling
from stack.containers import ADMIN_EMAIL, Containers, make_certificates, make_missing_secrets
from stack.keys import write_private
from stack.places import DATABASES, SERVICES, Places
from stack.processes import StartFailed

# The journeys come from one address, that of docker's bridge, and are as many shoppers as a town.
PRIVATE_NETWORKS = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
WAIT_SECONDS = "300"
VERIFY_SECONDS = 900
PROMISES = ("tests/test_containers.py", "tests/test_running_containers.py")
NEXT = """
Souk is up at {url} ({seconds:.1f} s), a shop to open in a browser

  scripts/compose ps             what runs
  scripts/compose logs orders    what it says
  make compose-down              stop it; the data stays

The administrator is {admin}; the password is in {env_file}
"""

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def build(stack: Containers) -> None:
    """Build the four images under the stack's version. Raises StartFailed."""
    told = dict(os.environ) | {"TAG": stack.version}
    if subprocess.run([str(stack.root / "scripts" / "image")], env=told).returncode:
        raise StartFailed("the images could not be made")


def up(stack: Containers, *options: str) -> None:
    """Make the secrets, start all and wait until it is ready. Raises StartFailed."""
    began = time.monotonic()
    make_missing_secrets(stack)
    if stack.tls:
        make_certificates(stack)
    stack.compose("up", "--detach", "--wait", "--wait-timeout", WAIT_SECONDS, "--quiet-pull", *options)
    stack.compose("run", "--rm", "--no-deps", "-T", "admin")
    fill_catalogue(stack)
    variables = "".join(f"{name}={shlex.quote(value)}\n" for name, value in stack.for_people().items())
    write_private(stack.state / "env", variables)
    seconds, env_file = time.monotonic() - began, os.path.relpath(stack.state / "env")
    print(NEXT.format(url=stack.url, seconds=seconds, admin=ADMIN_EMAIL, env_file=env_file))


def renew(stack: Containers) -> None:
    """Make new certificates, and tell those who do not look for them by themselves. Raises StartFailed."""
    make_certificates(stack, renew=True)
    stack.compose("kill", "--signal", "HUP", "nats", *(f"{name}-db" for name in DATABASES))


def fill_catalogue(stack: Containers) -> None:
    """Load the sample catalogue where nothing is for sale. Raises StartFailed."""
    with _direct.open(f"{stack.url}/api/v1/products?limit=1", timeout=10) as answer:
        if json.load(answer)["data"]:
            return
    sample = subprocess.run(
        [sys.executable, str(stack.root / "scripts" / "sample-catalogue")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    stack.compose("run", "--rm", "--no-deps", "-T", "catalogue", given=sample)


def down(stack: Containers, *options: str) -> None:
    """Stop and remove the containers; the volumes stay, unless `--volumes` is given."""
    stack.compose("--profile", "first-start", "down", "--remove-orphans", *options)


def e2e(places: Places, *arguments: str) -> int:
    """Run the journeys against a stack of their own."""
    return on_its_own(places, "souk-e2e", lambda stack: verify(stack, *arguments))


def e2e_rolling(places: Places, wanted: str = "100000") -> int:
    """Roll every service of a stack of their own, two containers of each, until so many requests were sent."""
    options = [option for name in SERVICES for option in ("--scale", f"{name}={CONTAINERS}")]
    return on_its_own(
        places, "souk-rolling", lambda stack: keep_rolling(stack, wanted), *options, gateways=CONTAINERS
    )


def on_its_own(
    places: Places, name: str, use: Callable[[Containers], int], *options: str, gateways: int = 0
) -> int:
    """Use a stack of its own on free ports, keep its logs where that does not return 0, and remove it."""
    port = ports.choose(["gateway"])["gateway"]
    # Two checkouts may use one engine.
    own = f"{name}-{hashlib.sha256(os.fsencode(places.state)).hexdigest()[:8]}"
    stack = Containers(
        places.root,
        places.state / f"compose-{name.removeprefix('souk-')}",
        own,
        port,
        port + gateways if gateways else 0,
        PRIVATE_NETWORKS,
        version=own,
        tls=places.tls,
    )
    outcome = 1
    build(stack)
    down(stack, "--volumes")
    try:
        up(stack, *options)
        outcome = use(stack)
    finally:
        if outcome:
            save_logs(stack, places)
        down(stack, "--volumes")
        images = [stack.image(service) for service in SERVICES]
        subprocess.run(["docker", "image", "rm", *images], stdout=subprocess.DEVNULL)
    return outcome


def verify(stack: Containers, *arguments: str) -> int:
    """Hold the running containers against what is promised of them, then walk the journeys. Raises StartFailed."""
    told = dict(os.environ) | stack.for_people() | {"SOUK_PROJECT": stack.project}
    promises = [sys.executable, "-m", "pytest", "-q", *PROMISES]
    journeys = [str(stack.root / "scripts" / "e2e"), "-rs", *arguments]
    try:
        codes = [
            subprocess.run(command, cwd=stack.root / "scripts", env=told, timeout=VERIFY_SECONDS).returncode
            for command in (promises, journeys)
        ]
    except subprocess.TimeoutExpired as slow:
        raise StartFailed(f"{slow.cmd[0]}: not done after {VERIFY_SECONDS} s") from slow
    return int(any(codes))


def save_logs(stack: Containers, places: Places) -> None:
    """Write what each service said into a file of its name in .run/compose/logs."""
    folder = places.state / "compose" / "logs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    listed = subprocess.run(
        stack.command("config", "--services"), env=stack.environment(), capture_output=True, text=True
    )
    for name in listed.stdout.split():
        with open(folder / f"{name}.log", "wb") as log:
            command = stack.command("logs", "--no-color", "--timestamps", name)
            subprocess.run(command, env=stack.environment(), stdout=log, stderr=subprocess.STDOUT)
    with open(folder / "containers.log", "wb") as log:
        subprocess.run(stack.command("ps", "--all"), env=stack.environment(), stdout=log)
    print(f"The logs of the containers are in {os.path.relpath(folder)}", flush=True)


def main() -> None:
    """Run `scripts/compose`."""
    places = Places.of()
    first, _, last = (os.environ.get("GATEWAY_PORT") or "8080").partition("-")
    named = os.environ.get("SOUK_VERSION")
    overlay = os.environ.get("SOUK_OVERLAY", "")
    stack = Containers(
        places.root,
        places.state / "compose",
        gateway_port=int(first),
        last_port=int(last or 0),
        version=named or "latest",
        overlay=overlay,
        tls=places.tls,
    )
    name, *arguments = sys.argv[1:] or ["ps"]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if name == "renew":
            renew(stack)
        elif name == "e2e":
            sys.exit(e2e(places, *arguments))
        elif name == "e2e-rolling":
            sys.exit(e2e_rolling(places, *arguments))
        elif name == "roll":
            roll(stack, *arguments)
        elif name == "up":
            if not named:
                build(stack)
            up(stack, *arguments)
        elif name == "down":
            down(stack, *arguments)
        else:
            sys.exit(subprocess.run(stack.command(name, *arguments), env=stack.environment()).returncode)
    except StartFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("interrupted")


if __name__ == "__main__":
    main()
