"""The wheels' servers, also for root and below folders that are closed to others."""

import os
import stat
import subprocess
import sys

import pytest

from chassis import embedded


def test_a_cluster_is_made_below_a_closed_folder_that_stays_closed(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    embedded.initdb(closed / "data")
    assert (closed / "data" / "PG_VERSION").read_text().strip() == "18"
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_cluster_is_not_made_over_another(tmp_path):
    embedded.initdb(tmp_path / "data")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        embedded.initdb(tmp_path / "data")
    assert "exists but is not empty" in caught.value.stderr


def test_what_root_starts_runs_as_an_ordinary_user():
    argv = [sys.executable, "-c", "import os; print(os.getuid(), os.geteuid())"]
    said = subprocess.run(embedded.as_ordinary_user(argv), check=True, capture_output=True, text=True)
    uid = os.getuid() or embedded.ORDINARY_UID
    assert said.stdout.split() == [str(uid), str(uid)]


def test_the_programs_are_those_of_the_wheels():
    postgres = subprocess.run([embedded.postgres_program("postgres"), "-V"], capture_output=True, text=True)
    nats = subprocess.run([embedded.nats_server_program(), "-v"], capture_output=True, text=True)
    assert "PostgreSQL) 18" in postgres.stdout
    assert nats.stdout.startswith("nats-server: v2.")
