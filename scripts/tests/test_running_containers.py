"""What containers and images promise, asked of the engine; make e2e-compose names the project in SOUK_PROJECT."""

import json
import os
import subprocess
from typing import Any

import pytest

from stack.places import SERVICES

PROJECT = os.environ.get("SOUK_PROJECT")
JOBS = {"volumes", "users-migrate", "orders-migrate", "payments-migrate"}
# An image may be so much larger than the one it is built from.
LARGEST_MB = 120
UNWANTED = "cc gcc g++ clang tcc as ld make /venv/bin/pip"

pytestmark = pytest.mark.skipif(not PROJECT, reason="no containers are running for this: make e2e-compose")


def docker(*arguments: str) -> str:
    return subprocess.run(
        ["docker", *arguments], check=True, capture_output=True, text=True, timeout=120
    ).stdout


@pytest.fixture(scope="module")
def containers() -> dict[str, dict[str, Any]]:
    found = docker(
        "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}"
    ).split()
    listed = json.loads(docker("inspect", *found))
    return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in listed}


@pytest.fixture(scope="module")
def images() -> dict[str, dict[str, Any]]:
    listed = json.loads(docker("image", "inspect", *(f"souk/{name}:{PROJECT}" for name in SERVICES)))
    return dict(zip(SERVICES, listed, strict=True))


def test_every_container_runs_without_rights(containers):
    for name, one in containers.items():
        host = one["HostConfig"]
        assert host["ReadonlyRootfs"] and not host["Privileged"], name
        assert host["CapDrop"] == ["ALL"], name
        assert host["CapAdd"] == (["CHOWN"] if name == "volumes" else None), name
        assert host["SecurityOpt"] == ["no-new-privileges:true"], name
        assert 0 < host["Memory"] <= 320 * 2**20, name
        user = one["Config"]["User"].replace(":", "")
        assert user.isdigit() and (int(user) > 0) == (name != "volumes"), name


def test_every_process_is_healthy_and_every_job_is_done(containers):
    for name, one in containers.items():
        state = one["State"]
        if name in JOBS:
            assert (state["Status"], state["ExitCode"]) == ("exited", 0), name
        else:
            assert state["Health"]["Status"] == "healthy", name


def test_the_gateways_port_is_the_only_one_published(containers):
    published = {name for name, one in containers.items() if one["HostConfig"]["PortBindings"]}
    assert published == {"gateway"}


@pytest.mark.parametrize("name", SERVICES)
def test_in_a_service_nothing_can_be_written_but_its_temporary_folder(containers, name):
    own = containers[name]["Id"]
    refused = subprocess.run(
        ["docker", "exec", own, "touch", f"/srv/{name}/x"], capture_output=True, text=True
    )
    assert "Read-only file system" in refused.stderr
    docker("exec", own, "touch", "/tmp/x")
    status = docker("exec", own, "cat", "/proc/1/status")
    assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_are_files_that_only_its_user_reads(containers, name):
    modes = docker("exec", containers[name]["Id"], "sh", "-c", "stat -c %a /run/secrets/*").split()
    assert modes and set(modes) == {"600"}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_small_says_what_it_is_and_compiles_nothing(images, name):
    base = int(docker("image", "inspect", "--format", "{{.Size}}", "python:3.13-slim"))
    assert (images[name]["Size"] - base) / 1e6 <= LARGEST_MB
    assert images[name]["Config"]["User"] == "10001:10001"
    labels = images[name]["Config"]["Labels"]
    revision = labels["org.opencontainers.image.revision"]
    assert len(revision.removesuffix("-changed")) == 40 or revision == "unknown"
    assert labels["org.opencontainers.image.version"].partition("+")[2][:12] == revision[:12]
    image = f"souk/{name}:{PROJECT}"
    found = docker("run", "--rm", "--network=none", image, "sh", "-c", f"command -v {UNWANTED} || true")
    assert not found, found
