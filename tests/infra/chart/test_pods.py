"""Every pod of charts/anden: identity, permissions, arguments, environment and probes."""

import os
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from apps.api import metrics as api
from apps.cloudwatch import metrics as cloudwatch
from apps.datasets import metrics as datasets
from apps.fleet import metrics as fleet
from apps.ingest import metrics as ingest
from apps.ingest.adapters.watchdog import GRACE_S
from apps.monitoring import metrics as monitoring
from apps.telemetry import metrics as telemetry
from tests.infra.charts import ROOT, Manifest, station
from tests.infra.fork_server import ForkServer, fork_server

Pod = dict[str, Any]
SETTINGS = {"ANDEN_SECRET_KEY": "0123456789" * 4, "ANDEN_DATABASE_APP_URL": "postgresql://none@127.0.0.1:1/none"}
"""Settings that every process requires."""
WRITABLE = {"/tmp", "/var/lib/anden"}  # noqa: S108 - mount paths of a pod


def pods(objects: list[Manifest]) -> list[tuple[str, Pod]]:
    """Each pod template with its owner, as kind/name; never empty."""
    found = []
    for each in objects:
        spec = each.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec and "containers" in spec["template"].get("spec", {}):
            found.append((f"{each['kind']}/{each['metadata']['name']}", spec["template"]))
    assert found
    return found


def containers(objects: list[Manifest]) -> Iterator[tuple[str, Pod]]:
    """Each container, named by its pod's owner."""
    for owner, pod in pods(objects):
        for each in pod["spec"]["containers"]:
            yield f"{owner}/{each['name']}", each


def own(objects: list[Manifest]) -> list[tuple[str, Pod]]:
    """Each container that runs Andén's image; others have other arguments and settings."""
    repository = station("dev")["global"]["station"]["imageRepository"].rpartition("/")[0]
    found = [(name, each) for name, each in containers(objects) if each["image"].startswith(f"{repository}/")]
    assert found
    return found


def test_pods_are_not_root_and_have_a_read_only_root_filesystem(rendered: list[Manifest]) -> None:
    for owner, pod in pods(rendered):
        spec = pod["spec"]
        pod_security = spec["securityContext"]
        assert (pod_security["runAsNonRoot"], pod_security["runAsUser"]) == (True, 10001), owner
        assert pod_security["seccompProfile"] == {"type": "RuntimeDefault"}, owner
        assert spec["automountServiceAccountToken"] is False, owner
        assert spec["enableServiceLinks"] is False, owner
    for name, each in containers(rendered):
        security = each["securityContext"]
        assert security["readOnlyRootFilesystem"] is True, name
        assert security["allowPrivilegeEscalation"] is False, name
        assert security["capabilities"] == {"drop": ["ALL"]}, name
    for name, each in own(rendered):
        assert {mount["mountPath"] for mount in each["volumeMounts"]} >= WRITABLE, name


def test_every_container_has_resource_limits_and_a_versioned_image(rendered: list[Manifest]) -> None:
    for name, each in containers(rendered):
        for bound in ("requests", "limits"):
            assert set(each["resources"][bound]) == {"cpu", "memory"}, name
        assert re.search(r":v?\d+\.\d+\.\d+(-[0-9a-f]{12}@sha256:[0-9a-f]{64})?$", each["image"]), name


def test_probes_check_what_the_process_exposes(rendered: list[Manifest]) -> None:
    modules = (api, cloudwatch, datasets, fleet, ingest, monitoring, telemetry)
    known = {each.name for module in modules for each in metrics_of(module)}
    for name, each in own(rendered):
        if name.startswith(("Job/", "CronJob/")) or name == "Deployment/anden-beat/beat":
            continue
        probe = each["readinessProbe"]
        if "exec" in probe:
            assert probe["exec"]["command"][2].split()[2] in known, name
        else:
            assert {"startupProbe", "livenessProbe"} <= set(each), name
            paths = {each[kind]["httpGet"]["path"] for kind in ("startupProbe", "readinessProbe", "livenessProbe")}
            assert paths == ({"/healthz", "/readyz"} if each["name"] == "web" else {"/metrics"})


def metrics_of(module: ModuleType) -> Iterator[Any]:
    """Metrics that a metrics.py declares."""
    return (each for each in vars(module).values() if type(each).__name__ == "Metric")


def test_arguments_are_processes_of_the_entrypoint(rendered: list[Manifest]) -> None:
    text = (ROOT / "platform" / "entrypoint").read_text()
    cases = re.findall(r"^  ([a-z |]+)\)$", text, re.MULTILINE)
    roles = {role.strip() for case in cases for role in case.split("|")}
    for name, each in own(rendered):
        assert "command" not in each, name
        assert each["args"][0] in roles, name


def test_grace_periods_are_long_enough(rendered: list[Manifest]) -> None:
    by_name = {owner: pod["spec"] for owner, pod in pods(rendered)}
    assert by_name["Deployment/anden-ingest"]["terminationGracePeriodSeconds"] > GRACE_S
    web = by_name["Deployment/anden-web"]
    pause = web["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    edge = (ROOT / "terraform" / "modules" / "edge" / "main.tf").read_text()
    (delay,) = re.findall(r"deregistration_delay += (\d+)", edge)
    assert pause > int(delay)
    assert web["terminationGracePeriodSeconds"] > pause + 30  # gunicorn's graceful timeout


def test_beat_never_runs_twice(rendered: list[Manifest]) -> None:
    (beat,) = (each for each in rendered if each["kind"] == "Deployment" and each["metadata"]["name"] == "anden-beat")
    assert (beat["spec"]["replicas"], beat["spec"]["strategy"]) == (1, {"type": "Recreate"})


def test_jobs_are_hooks_that_run_after_the_secrets(rendered: list[Manifest]) -> None:
    waves = {}
    for each in rendered:
        notes = each["metadata"].get("annotations", {})
        waves[each["kind"], each["metadata"]["name"]] = int(notes.get("argocd.argoproj.io/sync-wave", 0))
        if each["kind"] == "Job":
            assert each["metadata"]["name"].startswith("anden-")
            assert notes["argocd.argoproj.io/hook"] in {"Sync", "PostSync"}
    order = [waves["Job", f"anden-{job}"] for job in ("bootstrap", "migrate", "contracts", "topics")]
    assert order == sorted(set(order))
    assert waves["ExternalSecret", "anden-postgres-admin"] < order[0]
    assert order[-2] < waves["Deployment", "anden-web"]


@pytest.fixture(scope="module")
def django() -> Iterator[ForkServer]:
    """A process that can load the settings in any environment."""
    with fork_server({**os.environ, **SETTINGS}) as started:
        yield started


@pytest.mark.property(11)
def test_settings_accept_every_containers_environment(
    rendered: list[Manifest], django: ForkServer, evidence: Callable[[str], None]
) -> None:
    known = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
    entrypoint = set(re.findall(r"\b(ANDEN_WEB_\w+)", (ROOT / "platform" / "entrypoint").read_text()))
    environments = {name: _environment(each) for name, each in own(rendered)}
    for name, environment in environments.items():
        unknown = {key for key in environment if not key.startswith("DB_")} - known - entrypoint
        assert not unknown, (name, unknown)
        assert {"ANDEN_SECRET_KEY", "ANDEN_DATABASE_APP_URL"} <= set(environment), name
    distinct = {tuple(sorted(environment.items())) for environment in environments.values()}
    # The metrics directory that the containers share does not exist here.
    of_this_machine = {"PATH": os.environ["PATH"], "ANDEN_MONITORING_METRICS_FOLDER": ""}
    assert {django.settings({**dict(each), **of_this_machine}) for each in distinct} == {(0, "")}
    evidence(f"{len(environments)} containers, {len(distinct)} environments that the settings accept")


def _environment(container: Pod) -> dict[str, str]:
    """The container's variables as the kubelet expands them, with a placeholder for each secret."""
    environment: dict[str, str] = {}
    for each in container["env"]:
        value = each.get("value", "0123456789" * 4)
        environment[each["name"]] = re.sub(r"\$\((\w+)\)", lambda found: environment[found[1]], value)
    return environment
