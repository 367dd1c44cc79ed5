"""Each service is released alone: what it is made of can be told by its label, and no other changes with it."""

import shutil

import pytest
from rendering import ENVIRONMENTS, FOLDER, NAME, render, rendered

SERVICES = ("gateway", "users", "orders", "payments")
APPLIED = ("production/migrate", "production/shop")
ZEROS = "sha256:" + "0" * 64


def labelled(overlay, things):
    return {
        (overlay, one["kind"], one["metadata"]["name"], one["metadata"]["labels"][NAME]): one
        for one in things
    }


def test_every_object_of_a_shop_is_of_one_service_and_so_chosen_by_its_label():
    known = {*SERVICES, "redis", "sandbox"}
    for overlays in ENVIRONMENTS.values():
        for overlay in overlays[1:]:
            for one in rendered(overlay):
                assert one["metadata"]["labels"].get(NAME) in known, (
                    overlay,
                    one["kind"],
                    one["metadata"]["name"],
                )


@pytest.fixture
def changed(tmp_path):
    """Change a file of a copy, and return the names of the services whose objects are others then."""

    def change(path, old, new):
        for part in ("base", "overlays"):
            shutil.copytree(FOLDER / part, tmp_path / part)
        file = tmp_path / path
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        before, after = {}, {}
        for overlay in APPLIED:
            before |= labelled(overlay, rendered(overlay))
            after |= labelled(overlay, render(tmp_path / "overlays" / overlay))
        return {
            name
            for key in before.keys() | after.keys()
            if before.get(key) != after.get(key)
            for name in key[3:]
        }

    return change


@pytest.mark.parametrize("service", SERVICES)
def test_a_release_changes_its_service_alone(changed, service):
    release = f"overlays/production/images/{service}/kustomization.yaml"
    assert changed(release, ZEROS, "sha256:" + "1" * 64) == {service}


def test_a_version_is_of_its_service_alone(changed):
    assert changed("overlays/production/images/orders/kustomization.yaml", '"0.0.0"', '"0.0.1"') == {"orders"}


def test_a_setting_is_of_its_service_alone(changed):
    assert changed("base/orders/web/settings.env", "DRAIN_SECONDS=20", "DRAIN_SECONDS=21") == {"orders"}


def test_a_release_says_its_version_where_a_deployment_and_its_pods_are_looked_at():
    for one in rendered("production/shop"):
        if one["kind"] == "Deployment" and one["metadata"]["labels"][NAME] in SERVICES:
            for labels in (one["metadata"]["labels"], one["spec"]["template"]["metadata"]["labels"]):
                assert labels["app.kubernetes.io/version"] == "0.0.0"
