"""The parts of the embedded stack that need no stack."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from stack import environments, keys, ports, settings
from stack.places import LONGEST_SOCKET_FOLDER, Places
from stack.postgres import forget_the_dead
from stack.processes import MARK, remaining, sweep
from stack.testing import counts

SCRIPTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path, tmp_path / "state")


def sleeper(**environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "600"], env={"PATH": os.environ["PATH"], **environment})


def test_ports_are_free_and_different():
    chosen = ports.choose(settings.PORTS)
    assert len(set(chosen.values())) == len(settings.PORTS)
    assert all(ports.is_free(port) for port in chosen.values())


def test_a_promised_port_is_not_chosen():
    free = ports.choose(["one"])["one"]
    promised = set(range(ports.LOWEST, ports.HIGHEST + 1)) - {free}
    assert ports.choose(["another"], promised) == {"another": free}


def test_a_port_somebody_listens_on_is_refused_by_name():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ports.PortBusy, match=f"{port}.*GATEWAY_PORT"):
            ports.for_gateway(str(port))


@pytest.mark.parametrize("wanted", ["http", "-1", "65536", "8080.5"])
def test_what_is_no_port_is_refused(wanted):
    with pytest.raises(ports.PortBusy, match="GATEWAY_PORT"):
        ports.for_gateway(wanted)


def test_sockets_lie_in_the_state_unless_its_path_is_too_long(tmp_path):
    assert Places(tmp_path, Path("/short")).sockets == Path("/short/sockets")
    deep = Places(tmp_path, tmp_path / ("x" * 100)).sockets
    assert len(str(deep)) <= LONGEST_SOCKET_FOLDER
    assert deep != Places(tmp_path, tmp_path / ("y" * 100)).sockets


def test_secrets_are_readable_by_their_owner_alone(tmp_path):
    keys.write_private(tmp_path / "secret", "s")
    keys.write_private(tmp_path / "secret", "again")
    assert ((tmp_path / "secret").stat().st_mode & 0o777, (tmp_path / "secret").read_text()) == (
        0o600,
        "again",
    )


def test_a_command_gets_the_variables_of_a_file_as_they_were(tmp_path):
    value = "a 'quoted' $HOME `id` \\ value"
    (tmp_path / "settings.env").write_text(settings.as_shell({"NAME": value}))
    command = [
        SCRIPTS / "with-env",
        tmp_path / "settings.env",
        sys.executable,
        "-c",
        "import os; print(os.environ['NAME'])",
    ]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == value


def test_an_environment_is_stale_until_it_was_made_and_after_a_change(places):
    project = places.root / "shelves"
    for file in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        (project / file).parent.mkdir(exist_ok=True)
        (project / file).write_text("flask")
    assert environments.stale(places, "shelves", dev=False) == "requirements.txt"
    places.python("shelves").parent.mkdir(parents=True)
    places.python("shelves").touch()
    stamp = project / ".venv" / environments.STAMP
    stamp.write_text(environments.fingerprint(places, "shelves", "requirements-dev.txt"))
    assert environments.stale(places, "shelves", dev=True) is None
    assert environments.stale(places, "shelves", dev=False) is None
    (project / "requirements-dev.txt").write_text("flask and more")
    assert environments.stale(places, "shelves", dev=False) == "requirements-dev.txt"


def test_what_a_stack_left_behind_is_ended_and_nothing_else(places):
    ours, other = sleeper(**{MARK: str(places.state)}), sleeper(**{MARK: str(places.root / "another")})
    try:
        assert [process.pid for process in remaining(places)] == [ours.pid]
        assert sweep(places) == 1
        assert (psutil.pid_exists(ours.pid), other.poll()) == (False, None)
    finally:
        other.kill()
        other.wait()


def test_the_lock_of_a_dead_server_is_removed_when_its_number_went_to_another_process(tmp_path):
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{psutil.Process().pid}\n{tmp_path}\n")
    forget_the_dead(tmp_path)
    assert not lock.exists()
    forget_the_dead(tmp_path)


def test_a_report_counts_what_passed_failed_and_was_skipped(tmp_path):
    report = '<testsuites><testsuite tests="9" failures="1" errors="2" skipped="3"/></testsuites>'
    (tmp_path / "report.xml").write_text(report)
    assert counts(tmp_path / "report.xml") == (3, 3, 3)


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [("exit 1", "3.11 or newer"), ('case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac', "venv module")],
)
def test_a_python_that_cannot_serve_is_said_in_one_sentence(tmp_path, answers, sentence):
    (tmp_path / "scripts").mkdir()
    for file in ("python", "requirements.txt"):
        (tmp_path / "scripts" / file).write_text((SCRIPTS / file).read_text())
    (tmp_path / "scripts" / "python").chmod(0o755)
    only = tmp_path / "bin"
    only.mkdir()
    for tool in ("bash", "dirname", "cat", "cmp", "env"):
        (only / tool).symlink_to(str(shutil.which(tool)))
    (only / "python3").write_text(f"#!/bin/sh\n{answers}\n")
    (only / "python3").chmod(0o755)
    ran = subprocess.run(
        [tmp_path / "scripts" / "python"], env={"PATH": str(only)}, capture_output=True, text=True
    )
    assert (ran.returncode, len(ran.stderr.splitlines())) == (1, 1)
    assert sentence in ran.stderr


def test_what_the_processes_of_a_project_import_is_known(tmp_path):
    package = tmp_path / "src" / "shelves"
    package.mkdir(parents=True)
    for name in ("app", "wsgi", "worker", "domain"):
        (package / f"{name}.py").touch()
    assert environments.imported_first(tmp_path) == ["shelves.app", "shelves.worker"]
    (tmp_path / "gunicorn.conf.py").touch()
    assert "chassis.gunicorn_worker" in environments.imported_first(tmp_path)
