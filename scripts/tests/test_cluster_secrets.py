"""The secrets made for a cluster are those that its pods are described to need, and nobody else can read them."""

import json
import re
import stat
from pathlib import Path

import pytest

from stack.cluster_secrets import as_objects, entries, write
from stack.environments import prepare
from stack.places import Places

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "deploy" / "k8s" / "README.md").read_text()


@pytest.fixture(scope="module")
def made():
    places = Places(ROOT, ROOT / ".run")
    prepare(places, ["users", "gateway"], dev=False)
    return entries(places, {"STRIPE_API_KEY": "sk_live_given"})


def test_they_are_the_entries_and_members_that_the_readme_lists(made):
    rows = re.findall(r"^\| `(souk-\w+)` \| (.+) \|$", README, re.MULTILINE)
    listed = {name: set(re.findall(r"`([a-z-]+(?:\.jwk|\.json)?)`", members)) for name, members in rows}
    assert {name: set(members) for name, members in made.items()} == listed


def test_each_signing_key_is_in_the_bundle_and_no_private_part_is(made):
    bundle = json.loads(made["souk-trust"]["trust-bundle.json"])["keys"]
    own = [
        json.loads(members["signing-key.jwk"]) for members in made.values() if "signing-key.jwk" in members
    ]
    assert sorted(key["kid"] for key in bundle) == sorted(key["kid"] for key in own)
    assert all("d" in key for key in own) and not any("d" in key for key in bundle)


def test_passwords_differ_and_what_is_given_is_taken(made):
    passwords = [value for members in made.values() for name, value in members.items() if "password" in name]
    assert len(passwords) == len(set(passwords)) == 7
    assert made["souk-payments"]["stripe-api-key"] == "sk_live_given"
    assert made["souk-nats"]["password"][0].isalpha(), "NATS reads one that begins with a digit as a number"


def test_files_are_their_owners_and_never_replaced(made, tmp_path):
    write(made, tmp_path / "new")
    files = list((tmp_path / "new").iterdir())
    assert {file.stem for file in files} == set(made)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    with pytest.raises(FileExistsError):
        write(made, tmp_path / "new")


def test_as_objects_they_are_secrets_of_the_namespace(made):
    items = json.loads(as_objects(made, "somewhere"))["items"]
    assert {(one["kind"], one["metadata"]["namespace"]) for one in items} == {("Secret", "somewhere")}
    assert {one["metadata"]["name"]: one["stringData"] for one in items} == made
