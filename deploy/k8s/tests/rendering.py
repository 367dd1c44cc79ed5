"""The overlays as `kubectl kustomize` renders them, and the questions that tests ask of what came out."""

import functools
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[1]
ROOT = FOLDER.parents[1]
# What is applied to a cluster of each kind, in this order.
ENVIRONMENTS = {
    "dev": ("dev/platform", "dev/migrate", "dev/shop"),
    "production": ("production/platform", "production/migrate", "production/shop"),
    "canary": ("production/platform", "canary/migrate", "canary/shop"),
}
NAME, COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"
Object = Mapping[str, Any]


@functools.cache
def renderer() -> tuple[str, ...]:
    """Return the command that renders a folder; skips the test where the machine has none."""
    for command in (("kubectl", "kustomize"), ("kustomize", "build")):
        if shutil.which(command[0]):
            return command
    pytest.skip("neither kubectl nor kustomize is installed: nothing of deploy/k8s was rendered or checked")


@functools.cache
def rendered(overlay: str) -> tuple[Object, ...]:
    """Return the objects of a folder below overlays/."""
    return render(FOLDER / "overlays" / overlay)


def render(folder: Path) -> tuple[Object, ...]:
    """Return the objects of any folder, as kustomize makes them."""
    ran = subprocess.run([*renderer(), str(folder)], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, f"{folder}: {ran.stderr}"
    assert not ran.stderr, f"{folder} renders with a warning: {ran.stderr}"
    return tuple(yaml.safe_load_all(ran.stdout))


def objects(environment: str, *kinds: str) -> list[Object]:
    """Return what a cluster of an environment is given, of these kinds or of all."""
    every = [each for overlay in ENVIRONMENTS[environment] for each in rendered(overlay)]
    return [each for each in every if not kinds or each["kind"] in kinds]


@dataclass(frozen=True)
class Workload:
    """A Deployment or Job, with the environment it is for."""

    environment: str
    object: Object

    def __str__(self) -> str:
        return f"{self.environment}/{self.object['kind']}/{self.name}"

    @property
    def name(self) -> str:
        return self.object["metadata"]["name"]

    @property
    def service(self) -> str:
        return self.labels[NAME]

    @property
    def component(self) -> str:
        return self.labels[COMPONENT]

    @property
    def labels(self) -> Mapping[str, str]:
        return self.object["spec"]["template"]["metadata"]["labels"]

    @property
    def pod(self) -> Mapping[str, Any]:
        return self.object["spec"]["template"]["spec"]

    @property
    def containers(self) -> list[Mapping[str, Any]]:
        return [*self.pod["containers"], *self.pod.get("initContainers", [])]

    @property
    def app(self) -> Mapping[str, Any]:
        """The container of ours."""
        return self.pod["containers"][0]

    def settings(self) -> dict[str, str | None]:
        """Return the variables of the container; None stands for a value that is looked up in the cluster."""
        given: dict[str, str | None] = {}
        for source in self.app.get("envFrom", []):
            given |= named(self.environment, "ConfigMap", source["configMapRef"]["name"])["data"]
        return given | {one["name"]: one.get("value") for one in self.app.get("env", [])}

    def is_of(self, selector: Mapping[str, Any]) -> bool:
        """Say whether a selector takes the pods of this workload."""
        return selects(selector, self.labels)


def workloads(environment: str, *components: str) -> list[Workload]:
    """Return the workloads of an environment, of these components or of all."""
    every = [Workload(environment, each) for each in objects(environment, "Deployment", "Job")]
    return [each for each in every if not components or each.component in components]


def of_all(*components: str) -> Iterator[Workload]:
    """Yield the workloads of all environments."""
    for environment in ENVIRONMENTS:
        yield from workloads(environment, *components)


def named(environment: str, kind: str, name: str) -> Object:
    """Return the one object of a kind and name."""
    found = [each for each in objects(environment, kind) if each["metadata"]["name"] == name]
    assert len(found) == 1, f"{environment} has {len(found)} {kind}s named {name}"
    return found[0]


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Say whether a selector of labels alone takes these labels."""
    assert set(selector) <= {"matchLabels"}, f"a selector of another form: {selector}"
    return selector.get("matchLabels", {}).items() <= labels.items()
