"""What a cluster's Prometheus calls the processes is what the rules and dashboards call them."""

import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "deploy" / "observability"


def job_of(labels):
    """Return the job that prometheus-kubernetes.yml gives a pod with these labels."""
    (scrape,) = yaml.safe_load((PLACE / "prometheus-kubernetes.yml").read_text())["scrape_configs"]
    job = ""
    for step in scrape["relabel_configs"]:
        if step.get("target_label") == "job":
            values = [
                labels[name.removeprefix("__meta_kubernetes_pod_label_")] for name in step["source_labels"]
            ]
            found = re.fullmatch(step.get("regex", "(.*)"), step.get("separator", ";").join(values))
            job = found[1] if found else job
    return job


def test_pods_have_the_jobs_that_rules_speak_of():
    metrics = json.loads((PLACE / "metrics.json").read_text())
    place = ROOT / "deploy" / "k8s" / "base"
    jobs = set()
    for path in place.rglob("deployment.yaml"):
        for document in yaml.safe_load_all(path.read_text()):
            pod = document["spec"]["template"].get("metadata", {})
            if "prometheus.io/port" in pod.get("annotations", {}):
                jobs.add(job_of({re.sub(r"\W", "_", name): value for name, value in pod["labels"].items()}))
    assert jobs == {process for metric in metrics.values() for process in metric["on"]}
