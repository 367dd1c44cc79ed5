"""The process `postgres` of the embedded stack: `python -m stack.postgres` becomes the server."""

import os
from pathlib import Path

import psutil

from chassis import embedded
from stack.places import Places

PARAMETERS = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    # What a crash costs: less to do again, and one call for all files instead of one for each.
    "checkpoint_timeout": "60s",
    "recovery_init_sync_method": "syncfs",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_error_verbosity": "terse",  # the detail of a violated constraint is a row, with its e-mail address
}


def forget_the_dead(data: Path) -> None:
    """Remove the lock of a server that was killed, where another process has its number by now.

    PostgreSQL itself only asks whether any process has that number, and would not start until that one ended.
    """
    lock = data / "postmaster.pid"
    try:
        number = int(lock.read_text().split()[0])
        if str(data) not in psutil.Process(number).cmdline():
            lock.unlink()
    except (FileNotFoundError, psutil.NoSuchProcess):
        return


def main() -> None:
    """Become PostgreSQL on the stack's data and sockets."""
    places = Places.of()
    forget_the_dead(places.database)
    argv = embedded.postgres_argv(places.database, places.postgres_socket, **PARAMETERS)
    os.execv(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main()
