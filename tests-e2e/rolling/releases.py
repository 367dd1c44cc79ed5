"""Releases: this checkout, and the one before it, taken from the history of git."""

import io
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from stacks import ROOT

SERVICES = ("users", "orders", "payments")
RECORD = ROOT / "deploy" / "previous-release"
PREPARE = """
import pathlib, sys
from stack import environments, places
environments.prepare(places.Places(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[1])), sys.argv[2:])
"""


class NoHistory(Exception):
    """The previous release cannot be had from this clone."""


@dataclass(frozen=True)
class Release:
    """A tree of Souk; its services run with the Python of `python_of`, whose packages are those it asks for."""

    name: str
    root: Path

    def python_of(self, service: str) -> Path:
        """Return a service's Python: that of this checkout where it has all that the release has pinned."""
        own = ROOT / service
        return (own if self._pins(service) <= pins(own) else self.root / service) / ".venv" / "bin" / "python"

    def needs_environment(self, service: str) -> bool:
        return not self.python_of(service).exists()

    def source_path(self, service: str) -> str:
        """Return what stands before the packages that are installed: the sources of this release."""
        return os.pathsep.join(str(self.root / folder / "src") for folder in (service, "libs/chassis"))

    def shares_ports(self) -> bool:
        """Tell whether two gateways of this release may listen on one port."""
        return "share_port" in (self.root / "gateway/src/gateway/settings.py").read_text()

    def _pins(self, service: str) -> set[str]:
        return pins(self.root / service)


def pins(project: Path) -> set[str]:
    """Return name and version of each requirement of a project."""
    lines = (project / "requirements.txt").read_text().splitlines()
    return {line.split()[0] for line in lines if line[:1].isalnum()}


def current() -> Release:
    return Release("this", ROOT)


def previous() -> Release:
    """Return the release that deploy/previous-release names, its tree and environments made. Raises NoHistory."""
    name = RECORD.read_text().strip()
    found = git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if found.returncode:
        raise NoHistory(
            f"{name}, which {RECORD.relative_to(ROOT)} names, is not in the history of this clone: a shallow one needs "
            "`git fetch --unshallow --tags`"
        )
    commit = found.stdout.decode().strip()
    root = ROOT / ".run" / "releases" / commit[:12]
    if not root.exists():
        unpack(commit, root)
    release = Release(name[:12], root)
    if missing := [service for service in SERVICES if release.needs_environment(service)]:
        make_environments(root, missing)
    return release


def unpack(commit: str, root: Path) -> None:
    """Put the tree of a commit into a folder, whole or not at all."""
    unfinished = root.with_name(f".{root.name}-{os.getpid()}")
    unfinished.mkdir(parents=True)
    archive = git("archive", "--format=tar", commit).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(unfinished, filter="data")
    # What makes environments is that of this checkout, with what it has in store.
    (unfinished / "scripts" / ".venv").symlink_to(ROOT / "scripts" / ".venv")
    (unfinished / ".run").mkdir()
    (unfinished / ".run" / "cache").symlink_to(ROOT / ".run" / "cache")
    unfinished.rename(root)


def make_environments(root: Path, services: list[str]) -> None:
    command = [str(ROOT / "scripts/python"), "-c", PREPARE, str(root), *services]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True)
