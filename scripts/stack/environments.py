"""The virtual environments of the projects, hash-pinned and made anew only when what they hold changed.

Usage: scripts/python -m stack.environments [--dev] [PROJECT...]
"""

import argparse
import ast
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stack.places import SERVICES, Places, projects

CHASSIS = "libs/chassis"
STAMP = "installed-by-souk"


class InstallFailed(Exception):
    """An environment could not be made; holds the project and what the installer said."""


def fingerprint(places: Places, project: str, requirements: str) -> str:
    """Return what an environment depends on: requirements, packages of the tree, Python and its own place."""
    digest = hashlib.sha256(f"{sys.version} {places.root / project}".encode())
    for path in (
        places.root / project / requirements,
        places.root / project / "pyproject.toml",
        places.root / CHASSIS / "pyproject.toml",
        places.root / "scripts" / "build-requirements.txt",
    ):
        digest.update(path.read_bytes() if path.exists() else b"")
    return f"{requirements} {digest.hexdigest()}"


def stale(places: Places, project: str, dev: bool) -> str | None:
    """Return the requirements file to install, or None where the environment is up to date.

    requirements-dev.txt holds all of requirements.txt, so a development environment also serves to run.
    """
    there = installed(places, project)
    developed = dev or there.startswith("requirements-dev.txt ")
    wanted = "requirements-dev.txt" if developed else "requirements.txt"
    return None if there == fingerprint(places, project, wanted) else wanted


def installed(places: Places, project: str) -> str:
    """Return the fingerprint an environment was made with, "" where there is none."""
    stamp = places.root / project / ".venv" / STAMP
    return stamp.read_text() if stamp.exists() and places.python(project).exists() else ""


def editable(places: Places, project: str) -> list[str]:
    """Return uv's arguments for the packages of the tree that belong into a project's environment."""
    asks = "souk-chassis" in (places.root / project / "pyproject.toml").read_text()
    packages = [places.root / folder for folder in dict.fromkeys([CHASSIS, project] if asks else [project])]
    return [
        argument for package in packages if (package / "src").is_dir() for argument in ("-e", str(package))
    ]


def pip_settings() -> dict[str, str]:
    """Return what pip was told by its files and the environment, the stronger source last."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    lines = [line.partition("=") for line in listing.splitlines()]
    ranked = sorted(lines, key=lambda line: ("global.", "install.", ":env:.").index(section(line[0])))
    return {key.removeprefix(section(key)): ast.literal_eval(value) for key, _, value in ranked}


def section(key: str) -> str:
    """Return the part of pip's configuration a key stands in: `global.`, `install.` or `:env:.`."""
    return next((known for known in ("install.", ":env:.") if key.startswith(known)), "global.")


def uv_environment(places: Places) -> dict[str, str]:
    """Return uv's environment: pip's index and certificates, the system's trust, a cache in the checkout."""
    pip = pip_settings()
    told = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": pip.get("extra-index-url", ""),
        "UV_FIND_LINKS": ",".join(pip.get("find-links", "").split()),
        "SSL_CERT_FILE": pip.get("cert", ""),
    }
    fixed = {
        "UV_CACHE_DIR": str(places.cache / "uv"),
        "UV_SYSTEM_CERTS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_INDEX_STRATEGY": "unsafe-best-match",  # as pip does; the hashes decide what is accepted
        "TMPDIR": str(places.cache / "tmp"),  # uv leaves a lock file per built project there
    }
    foreign = ("VIRTUAL_ENV", "PYTHONPATH")
    inherited = {name: value for name, value in os.environ.items() if name not in foreign}
    return {name: value for name, value in told.items() if value} | inherited | fixed


def imported_first(folder: Path) -> list[str]:
    """Return what the processes of a project import, to have it compiled before they start: one that compiles keeps the
    memory that took, 5 MB of it."""
    sources = sorted((folder / "src").glob("*/*.py"))
    rooms = [f"{source.parent.name}.{source.stem}" for source in sources if source.stem in ("app", "worker")]
    serves = (folder / "gunicorn.conf.py").exists()
    return [*(["gunicorn.app.wsgiapp", "chassis.gunicorn_worker"] if serves else []), *rooms]


def build(places: Places, project: str, requirements: str, environment: dict[str, str]) -> None:
    """Make one environment hold its requirements file and its packages of the tree.

    One that is good to run only gets what development needs besides, for a stack may be running on it.
    Raises InstallFailed.
    """
    folder = places.root / project
    uv = str(places.root / "scripts" / ".venv" / "bin" / "uv")
    builders = str(places.root / "scripts" / "build-requirements.txt")
    steps = [[uv, "pip", "install", "-p", ".venv", "--require-hashes", "-r", requirements]]
    if installed(places, project) != fingerprint(places, project, "requirements.txt"):
        steps.insert(0, [uv, "venv", "--clear", "-p", sys.executable, ".venv"])
        if packages := editable(places, project):
            steps.append([uv, "pip", "install", "-p", ".venv", "--no-deps", "-b", builders, *packages])
    if rooms := imported_first(folder):
        steps.append([".venv/bin/python", "-c", f"import {', '.join(rooms)}"])
        environment = environment | {"PYTHONDONTWRITEBYTECODE": ""}
    for step in steps:
        ran = subprocess.run(step, cwd=folder, env=environment, capture_output=True, text=True)
        if ran.returncode:
            raise InstallFailed(f"the environment of {project} could not be made:\n{ran.stderr.strip()}")
    (folder / ".venv" / STAMP).write_text(fingerprint(places, project, requirements))


def prepare(places: Places, wanted: Iterable[str], dev: bool = False) -> None:
    """Bring the environments of the wanted projects up to date, several at once.

    Raises InstallFailed.
    """
    pending = {project: found for project in wanted if (found := stale(places, project, dev))}
    if not pending:
        return
    (places.cache / "tmp").mkdir(parents=True, exist_ok=True)
    environment = uv_environment(places)

    def one(project: str) -> None:
        started = time.monotonic()
        build(places, project, pending[project], environment)
        print(f"· {project}: environment made in {time.monotonic() - started:.1f} s", flush=True)

    with ThreadPoolExecutor(max_workers=3) as pool:
        list(pool.map(one, pending))


def main() -> None:
    """Prepare the projects named on the command line, or all that the stack runs."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--dev", action="store_true", help="with what the tests need")
    arguments.add_argument("project", nargs="*")
    options = arguments.parse_args()
    places = Places.of()
    known = projects(places.root) if options.dev else SERVICES
    try:
        prepare(places, options.project or known, options.dev)
    except InstallFailed as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
