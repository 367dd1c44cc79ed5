"""What every Dockerfile keeps: one service's folder and libs/ alone, pinned by hash, built apart from what runs."""

import re
from pathlib import Path

import pytest

from stack.places import DATABASES, SERVICES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return request.param


def lines(service: str, instruction: str) -> list[str]:
    joined = (ROOT / service / "Dockerfile").read_text().replace("\\\n", " ")
    return re.findall(rf"^{instruction} (.+)$", joined, re.MULTILINE)


def test_it_takes_nothing_of_another_service(service):
    copied = [line.split()[:-1] for line in lines(service, "COPY") if not line.startswith("--from=")]
    sources = [source for every in copied for source in every]
    assert sources
    assert [one for one in sources if not one.startswith((f"{service}/", "libs/"))] == []


def test_what_is_installed_is_checked_by_hash_and_compiled_nowhere(service):
    installs = [line for line in lines(service, "RUN") if "pip install" in line]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0] and "--only-binary :all:" in installs[0]
    assert "pip uninstall" in installs[0], "the image has no use for pip"


def test_it_is_built_apart_and_runs_as_nobody_in_particular(service):
    built, runs = lines(service, "FROM")
    assert built == f"{runs} AS build"
    assert lines(service, "USER") == ["10001:10001"]


@pytest.mark.parametrize("name", DATABASES)
def test_one_image_serves_works_and_migrates(name):
    made = " ".join(lines(name, "RUN"))
    assert [command for command in ("web", "worker", "migrate") if f" >{command} " not in made] == []
    assert lines(name, "CMD") == ['["web"]']
