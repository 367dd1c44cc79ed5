"""Where everything lies: the checkout, its projects, and the state of one stack."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SERVICES = ("users", "orders", "payments", "gateway")
DATABASES = ("users", "orders", "payments")

# A unix socket's path ends at 104 bytes on some systems, and "/postgres/.s.PGSQL.5432" goes into this folder.
LONGEST_SOCKET_FOLDER = 78


@dataclass(frozen=True)
class Places:
    """The folders of one checkout and of one stack in it."""

    root: Path
    state: Path
    tls: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> "Places":
        """Return the places of this checkout; SOUK_STATE may put a stack's state elsewhere than `.run`, and SOUK_TLS=1
        has a stack that is started speak TLS."""
        root = Path(__file__).resolve().parents[2]
        state = Path(environ.get("SOUK_STATE") or root / ".run").resolve()
        return cls(root, state, environ.get("SOUK_TLS") == "1")

    @property
    def is_usual(self) -> bool:
        """Whether these are what a command without SOUK_STATE means."""
        return self.state == self.root / ".run"

    @property
    def cache(self) -> Path:
        return self.root / ".run" / "cache"

    @property
    def keys(self) -> Path:
        return self.state / "keys"

    @property
    def certificates(self) -> Path:
        return self.keys / "tls"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def settings(self) -> Path:
        return self.state / "settings"

    @property
    def temporary(self) -> Path:
        return self.state / "tmp"

    @property
    def pids(self) -> Path:
        return self.state / "pids"

    @property
    def database(self) -> Path:
        return self.state / "postgres"

    @property
    def ledger(self) -> Path:
        return self.state / "sandbox" / "ledger.sqlite"

    @property
    def postgres_socket(self) -> Path:
        return self.sockets / "postgres"

    @property
    def env_file(self) -> Path:
        return self.state / "env"

    @property
    def sockets(self) -> Path:
        """Return the folder of the unix sockets, outside the state only where its path is too long."""
        inside = self.state / "sockets"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER:
            return inside
        return Path("/tmp") / f"souk-{os.getuid()}-{hashlib.sha256(os.fsencode(self.state)).hexdigest()[:12]}"  # noqa: S108

    def python(self, project: str) -> Path:
        return self.root / project / ".venv" / "bin" / "python"

    def run_as(self, project: str, *arguments: str) -> list[str]:
        """Return the command that runs a service's Python with what that service is told."""
        launcher = self.root / "scripts" / "with-env"
        return [str(launcher), str(self.settings_of(project)), str(self.python(project)), *arguments]

    def settings_of(self, program: str) -> Path:
        return self.settings / f"{program}.env"

    def make(self) -> None:
        """Make the folders of the stack, for their owner alone."""
        own = (
            self.keys,
            self.logs,
            self.settings,
            self.pids,
            self.temporary,
            self.ledger.parent,
            self.sockets,
        )
        for folder in (self.state, *own):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.sockets.stat()
        if found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise PermissionError(f"{self.sockets} belongs to somebody else or is open to others")
        self.postgres_socket.mkdir(mode=0o700, exist_ok=True)


def projects(root: Path) -> list[str]:
    """List the projects of the tree: the chassis first, then the folders that have a pyproject.toml, deploy's last."""
    files = [*sorted(root.glob("*/pyproject.toml")), *sorted(root.glob("deploy/*/pyproject.toml"))]
    return ["libs/chassis", *(str(found.parent.relative_to(root)) for found in files)]
