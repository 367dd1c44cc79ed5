"""What the README tells people to type and to look at is there."""

import re
from pathlib import Path

from rendering import ENVIRONMENTS, FOLDER, ROOT, objects

README = (FOLDER / "README.md").read_text()
SOURCES = ("libs/chassis/src/chassis", "gateway/src/gateway")


def test_every_folder_that_is_applied_is_rendered_by_the_tests():
    applied = re.findall(r"-k deploy/k8s/overlays/([\w/-]+)", README)
    assert set(applied) == {overlay for overlays in ENVIRONMENTS.values() for overlay in overlays}


def test_every_file_that_is_named_is_there():
    named = re.findall(r"deploy/k8s/[\w./-]+\.(?:yaml|toml|md)", README)
    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_every_metric_that_judges_the_canary_exists():
    code = "".join(file.read_text() for source in SOURCES for file in Path(ROOT / source).rglob("*.py"))
    metrics = set(re.findall(r"\b((?:http|upstream)_\w+)\{", README))
    assert len(metrics) >= 3
    for metric in metrics:
        assert f'"{re.sub("_(total|bucket|count|sum)$", "", metric)}"' in code, metric


def test_the_store_of_secrets_is_described_whole():
    for one in objects("production", "ExternalSecret"):
        for each in one["spec"]["data"]:
            entry, member = each["remoteRef"]["key"], each["remoteRef"]["property"]
            assert re.search(rf"\| `{entry}` \|[^\n]*`{re.escape(member)}`", README), f"{entry}: {member}"
