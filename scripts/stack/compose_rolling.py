"""`scripts/compose e2e-rolling`: shoppers in a container of their own while every other container is replaced."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter

from stack.compose_roll import ROLLED, roll, scale
from stack.containers import Containers
from stack.places import DATABASES

# Of each service, and one worker; while one is replaced there is one more.
CONTAINERS = 2
TESTS, SCRATCH = "/tests", "/scratch"


def keep_rolling(stack: Containers, wanted: str) -> int:
    """Roll and scale each service again and again until shoppers have sent so many requests; 0 if none failed."""
    done: Counter[str] = Counter()
    print(f"load {os.getloadavg()[0]:.1f}", flush=True)
    with subprocess.Popen(
        shopping(stack, wanted), env=told(stack), stdout=subprocess.PIPE, text=True
    ) as shoppers:
        for service in itertools.cycle(ROLLED):
            if shoppers.poll() is not None:
                break
            roll(stack, service)
            done[f"{service} rolled"] += 1
            if service in DATABASES:
                scale(stack, service, CONTAINERS + 1)
                scale(stack, service, CONTAINERS)
                done[f"{service} scaled"] += 1
            print(f"{time.strftime('%H:%M:%S')}  {service}", flush=True)
        said = shoppers.communicate()[0]
    print(
        f"load {os.getloadavg()[0]:.1f}; {', '.join(f'{what} {count} times' for what, count in done.items())}"
    )
    if not said:
        sys.exit("the shoppers said nothing")
    seen = json.loads(said)
    print("\n".join(f"{name:<14} {value}" for name, value in seen.items()))
    return shoppers.returncode


def shopping(stack: Containers, wanted: str) -> list[str]:
    """Return the command of the shoppers, in the network of the gateway's clients: there its name stands for all of its
    containers, and who connects tries one after another."""
    command = ["docker", "run", "--rm", f"--network={stack.project}_front", "--read-only", "--cap-drop=ALL"]
    command += [f"--tmpfs={SCRATCH}:mode=1777", f"--volume={stack.root / 'tests-e2e'}:{TESTS}:ro"]
    command += [
        "--env=ADMIN_EMAIL",
        "--env=ADMIN_PASSWORD",
        f"--env=PYTHONPATH={TESTS}",
        f"--workdir={TESTS}",
    ]
    command += [stack.image("gateway"), "python", "-m", "rolling.shopping", "http://gateway:8080"]
    return [*command, "--requests", wanted, "--history", f"{SCRATCH}/history.jsonl"]


def told(stack: Containers) -> dict[str, str]:
    return stack.environment() | stack.for_people()
