"""scripts/publish writes what a registry took into the release of one service, and publishes nothing uncommitted."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RELEASES = "deploy/k8s/overlays/production/images"
DIGEST = "sha256:" + "ab" * 32
# Stands for docker: tells the version of an image, and what a registry says to it.
DOCKER = """#!/bin/sh
case "$1" in
image) echo "$SOUK_TEST_VERSION" ;;
push) [ -z "$SOUK_TEST_AWAY" ] || exit 1; echo "$2: digest: {digest} size: 1234" ;;
esac
"""


@pytest.fixture
def publish(tmp_path):
    for path in ("scripts/publish", RELEASES):
        copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / path, tmp_path / path)
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER.replace("{digest}", DIGEST))
    docker.chmod(0o755)

    def run(*arguments, version="0.1.0+4cbabcfb4993", away=""):
        told = {
            "PATH": f"{docker.parent}:{os.environ['PATH']}",
            "SOUK_TEST_VERSION": version,
            "SOUK_TEST_AWAY": away,
        }
        return subprocess.run(
            [tmp_path / "scripts/publish", *arguments], env=told, capture_output=True, text=True
        )

    return run


def releases(tmp_path):
    return {file.parent.name: file.read_text() for file in (tmp_path / RELEASES).glob("*/kustomization.yaml")}


def test_the_release_of_one_service_has_its_digest_and_version_then(publish, tmp_path):
    before = releases(tmp_path)
    ran = publish("registry.example.org:5000", "orders")
    assert ran.returncode == 0, ran.stderr
    after = releases(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"orders"}
    name = "newName: registry.example.org:5000/souk/orders"
    assert f'{name}, digest: "{DIGEST}"' in after["orders"]
    assert after["orders"].count('value: "0.1.0-4cbabcfb4993"') == 2


@pytest.mark.parametrize("version", ["0.1.0+4cbabcfb4993-changed", ""])
def test_what_was_not_committed_is_no_release(publish, tmp_path, version):
    before = releases(tmp_path)
    ran = publish("registry.example.org", "orders", version=version)
    assert ran.returncode == 1 and "commit what changed" in ran.stderr
    assert releases(tmp_path) == before


def test_what_a_registry_did_not_take_is_no_release(publish, tmp_path):
    before = releases(tmp_path)
    ran = publish("registry.example.org", away="yes")
    assert ran.returncode == 1 and "did not take souk/users" in ran.stderr
    assert releases(tmp_path) == before
