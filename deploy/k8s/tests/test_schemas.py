"""Everything that is rendered is what the API takes: by its schemas, the operators' kinds by an excerpt of theirs."""

import copy

import jsonschema
import kubernetes_validate
import pytest
import yaml
from rendering import ENVIRONMENTS, FOLDER, objects, rendered

# The oldest release that has all we use, and the newest the schemas are there of.
VERSIONS = ("1.31", "1.37")
CUSTOM = yaml.safe_load((FOLDER / "tests" / "custom_resources.yaml").read_text())
OVERLAYS = sorted({overlay for overlays in ENVIRONMENTS.values() for overlay in overlays})


def check(thing, version):
    if schema := CUSTOM.get(f"{thing['apiVersion']}/{thing['kind']}"):
        jsonschema.validate(thing["spec"], schema)
    else:
        kubernetes_validate.validate(thing, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_api_takes_what_is_rendered(overlay, version):
    things = rendered(overlay)
    assert things
    for thing in things:
        try:
            check(thing, version)
        except (kubernetes_validate.ValidationError, jsonschema.ValidationError) as wrong:
            pytest.fail(f"{thing['kind']} {thing['metadata']['name']}: {wrong.message} at {list(wrong.path)}")


def test_every_kustomization_of_the_overlays_is_rendered():
    there = {
        str(file.parent.relative_to(FOLDER / "overlays"))
        for file in (FOLDER / "overlays").glob("*/*/kustomization.yaml")
        if yaml.safe_load(file.read_text())["kind"] == "Kustomization"
    }
    assert there - set(OVERLAYS) == {"canary/orders"}  # a part of canary/shop


def spoiled(kind, *path):
    thing = copy.deepcopy(objects("production", kind)[0])
    inner = thing["spec"]
    for step in path:
        inner = inner[step]
    inner["misspelt"] = 1
    return thing


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Deployment", ("template", "spec", "containers", 0, "securityContext")),
        ("NetworkPolicy", ()),
        ("Cluster", ("bootstrap", "initdb")),
        ("ExternalSecret", ("target",)),
        ("Certificate", ("issuerRef",)),
    ],
)
def test_a_misspelt_member_is_found(kind, path):
    with pytest.raises((kubernetes_validate.ValidationError, jsonschema.ValidationError)):
        check(spoiled(kind, *path), VERSIONS[0])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_object_is_there_twice_and_all_are_in_one_namespace(environment):
    things = objects(environment)
    keys = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in things]
    assert len(keys) == len(set(keys))
    wanted = "souk-dev" if environment == "dev" else "souk"
    assert {space for _, space, _ in keys} - {None, "souk-dev-secrets"} == {wanted}
    assert {kind for kind, space, _ in keys if space is None} <= {"Namespace", "ClusterSecretStore"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_namespace_enforces_restricted_pods(environment):
    [space] = [
        each
        for each in objects(environment, "Namespace")
        if not each["metadata"]["name"].endswith("-secrets")
    ]
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
