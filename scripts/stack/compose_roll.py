"""`scripts/compose roll`: new containers beside the old ones, which then stop, one after another.

For each container of a service: one more is started, of the image that is there now, and once it is healthy the oldest
one is told to stop. A service's migrations come first. The gateway needs a port for each of its containers and one
more, GATEWAY_PORT=8080-8082 for two, and a balancer in front that asks all of them.
"""

import subprocess
from collections.abc import Sequence

from stack.containers import Containers
from stack.places import DATABASES
from stack.processes import StartFailed

HEALTHY_SECONDS = "180"
STOP_SECONDS = "30"
# What serves, in the order of who asks whom.
ROLLED = (*(name + kind for name in DATABASES for kind in ("", "-worker")), "gateway")


def roll(stack: Containers, *services: str) -> None:
    """Replace every container of these services, or of all. Raises StartFailed."""
    for service in services or ROLLED:
        if service not in ROLLED:
            raise StartFailed(f"{service} cannot be rolled; there are {', '.join(ROLLED)}")
        old = running(stack, service)
        if not old:
            raise StartFailed(f"{service} does not run")
        if service == "gateway" and len(stack.ports) <= len(old):
            ports = f"{stack.gateway_port}-{stack.gateway_port + len(old)}"
            raise StartFailed(f"gateway needs {len(old) + 1} ports to be rolled: GATEWAY_PORT={ports}")
        if service in DATABASES:
            stack.compose("run", "--rm", "--no-deps", "-T", f"{service}-migrate")
        for container in old:
            scale(stack, service, len(old) + 1)
            stop(container)


def scale(stack: Containers, service: str, count: int) -> None:
    """Have so many containers of a service, and wait until all are healthy. Raises StartFailed."""
    options = ("--detach", "--no-deps", "--no-recreate", "--wait", "--wait-timeout", HEALTHY_SECONDS)
    stack.compose("--progress", "quiet", "up", *options, "--scale", f"{service}={count}", service)


def running(stack: Containers, service: str) -> list[str]:
    """Return the containers of a service, the oldest first."""
    listed = printed(stack.command("ps", "--quiet", "--status", "running", service), stack)
    ids = listed.split()
    if not ids:
        return []
    created = printed(["docker", "inspect", "--format", "{{.Created}} {{.Id}}", *ids], stack)
    return [line.split()[1] for line in sorted(created.splitlines())]


def stop(container: str) -> None:
    """Tell a container to stop, wait until it has finished what it has in hand, and remove it. Raises StartFailed."""
    for command in (["stop", "--time", STOP_SECONDS], ["rm"]):
        ran = subprocess.run(["docker", *command, container], capture_output=True, text=True)
        if ran.returncode:
            raise StartFailed(f"docker {command[0]} failed: {ran.stderr.strip()}")


def printed(command: Sequence[str], stack: Containers) -> str:
    ran = subprocess.run(command, env=stack.environment(), capture_output=True, text=True)
    if ran.returncode:
        raise StartFailed(f"{' '.join(command[:3])} failed: {ran.stderr.strip()}")
    return ran.stdout
