"""charts/secrets generates the values of empty secrets before anything reads them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from apps.datasets.core.installation_secrets import InstallationSecret, installation_secrets
from apps.datasets.management.commands.secrets import Command
from tests.infra.chart import test_pods as pod_tests
from tests.infra.chart.test_network import AGENT, IMDS, OUTSIDE, allows_egress, selects
from tests.infra.chart.test_pods import containers, pods
from tests.infra.chart.test_render import kubernetes_version
from tests.infra.chart.test_score import ALL_OBJECTS, EXEMPTIONS, GRADE_OK
from tests.infra.charts import ANDEN, CHARTS, IMAGE, Manifest, anden, render, station
from tests.infra.gitops.argocd_model import everything, station_values, wave
from tests.infra.plans import ENVIRONMENTS, PLANS, Planner

SECRETS: Final = CHARTS / "secrets"
BY_HAND: Final = {"alerting/receivers", "grafana/token", "probe/key"}


def objects(environment: str = "dev", mode: str = "rds", **values: Any) -> list[Manifest]:
    """The chart as Argo CD renders it in this environment and PostgreSQL mode."""
    made = [each for group in everything(environment, mode).values() for each in group]
    (known,) = (station_values(each) for each in made if each["metadata"]["name"] == "secrets")
    return render(SECRETS, IMAGE, known, values)


def named(found: list[Manifest], name: str) -> Manifest:
    (one,) = (each for each in found if each["metadata"]["name"] == name)
    return one


def selected(arguments: list[str]) -> list[InstallationSecret]:
    """Secrets that the command would write with these arguments."""
    assert arguments[:2] == ["manage", "secrets"]
    read = vars(Command().create_parser("manage.py", "secrets").parse_args(arguments[2:]))
    return installation_secrets(read["station"], roles=read["roles"], keys=read["keys"])


def generated(found: list[Manifest], job: str) -> dict[str, str | None]:
    """Names of the secrets that a job writes, each with its user name, if any."""
    (one,) = (each for name, each in containers(found) if name.partition("/")[2].startswith(f"{job}/"))
    return {secret.name: secret.username for secret in selected(one["args"])}


@pytest.mark.property(11)
@pytest.mark.parametrize(("environment", "mode"), PLANS)
def test_every_secret_is_generated_or_written_by_hand(
    planned: Planner, environment: str, mode: str, evidence: Callable[[str], None]
) -> None:
    names = {each["name"] for each in planned(environment, mode).of("aws_secretsmanager_secret").values()}
    by_hand = {f"anden-{environment}/{token}" for token in BY_HAND}
    written = generated(objects(environment, mode), "secrets-ensure")
    assert by_hand <= names
    assert set(written) == names - by_hand
    assert planned(environment, mode).of("aws_secretsmanager_secret_version") == {}
    evidence(
        f"{environment}, {mode}: {len(written)} secrets generated, {len(by_hand)} written by hand, none by Terraform"
    )


@pytest.mark.parametrize("mode", ["rds", "cloudnativepg", "bitnami"])
def test_secrets_have_the_format_that_workloads_read(mode: str) -> None:
    address = {} if mode == "rds" else {"postgresAddress": "", "adminSecretArn": ""}
    reading = render(ANDEN, IMAGE, station("dev"), {"global": {"station": {"postgresMode": mode, **address}}})
    written = generated(objects("dev", mode), "secrets-ensure")
    for each in reading:
        if each["kind"] == "ExternalSecret":
            for data in each["spec"]["data"]:
                key, field = data["remoteRef"]["key"], data["remoteRef"].get("property")
                if key in written:
                    text = InstallationSecret(key, written[key]).generate()
                    assert field in json.loads(text) if field else not text.startswith("{"), key


@pytest.mark.property(9)
def test_the_application_is_synced_only_after_the_job_succeeded(evidence: Callable[[str], None]) -> None:
    """Argo CD does not compare hooks, so it compares the object in the wave after the hook."""
    found = objects()
    job, marker = named(found, "secrets-ensure"), named(found, "secrets-ensured")
    annotations = job["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/hook"] == "Sync"
    assert annotations["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
    assert wave(named(found, "secrets")) < wave(job) < wave(marker)
    assert all(wave(each) < wave(job) for each in found if each["kind"] == "NetworkPolicy")
    # A new image or secret changes the object, so the job runs again.
    release = {"tag": "0.2.0", "digest": f"sha256:{1:064}"}
    for other in (objects(image=release), objects(roles=["owner", "novel"]), objects(mode="bitnami")):
        assert named(other, "secrets-ensured")["data"] != marker["data"]
    evidence("the Application is out of sync until its job has generated missing values, and after each release")


def test_the_job_runs_andens_image() -> None:
    link = SECRETS / "values-image.yaml"
    assert link.is_symlink()
    assert link.resolve() == ANDEN / "values-image.yaml"
    images = {each["image"] for _, each in containers(objects())}
    web = next(each["image"] for name, each in containers(anden("dev")) if name == "Deployment/anden-web/web")
    assert images == {web}


def test_rotation_cron_jobs_are_suspended_templates() -> None:
    found = objects("prod", "cloudnativepg")
    crons = [each for each in found if each["kind"] == "CronJob"]
    assert all(each["spec"]["suspend"] is True for each in crons)
    # Nothing can set a new administrator password in the cluster, so it is not rotated.
    everyone = generated(found, "secrets-ensure")
    passwords, key = generated(found, "secrets-rotate-passwords"), generated(found, "secrets-rotate-key")
    assert set(passwords) | set(key) == set(everyone) - {"anden-prod/postgres/admin"}
    assert set(key) == {"anden-prod/django/secret-key"}
    for each in crons:
        (container,) = each["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        order = container["args"][container["args"].index("--order") + 1]
        names = {variable["name"] for variable in container["env"]}
        assert order == "$(JOB)"
        assert "JOB" in names


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_its_pods_are_as_restricted_as_andens(environment: str) -> None:
    found = objects(environment)
    pod_tests.test_pods_are_not_root_and_have_a_read_only_root_filesystem(found)
    pod_tests.test_every_container_has_resource_limits_and_a_versioned_image(found)
    pod_tests.test_arguments_are_processes_of_the_entrypoint(found)
    for each in found:
        kubernetes_validate.validate(each, kubernetes_version(), strict=True)
    assert {pod["spec"]["serviceAccountName"] for _, pod in pods(found)} == {"secrets"}


def test_its_pods_reach_only_aws_and_the_identity_agent() -> None:
    found = objects()
    policies = [each for each in found if each["kind"] == "NetworkPolicy"]
    deny = named(found, "secrets-deny")
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert not any("ingress" in each["spec"] for each in policies)
    for _, pod in pods(found):
        labels = pod["metadata"]["labels"]
        assert allows_egress(policies, labels, OUTSIDE, 443)
        assert allows_egress(policies, labels, AGENT, 80)
        assert not allows_egress(policies, labels, OUTSIDE, 5432)
        for port in (80, 443):
            assert not allows_egress(policies, labels, IMDS, port)
        assert selects(named(found, "secrets-dns"), labels)


@pytest.mark.property(8)
def test_kube_score_reports_only_exempted_checks(require: Callable[[str], str], tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    path.write_text(yaml.safe_dump_all(objects("prod")))
    command = [require("kube-score"), "score", "--output-format", "json", str(path)]
    scored = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    checked = {each["object_name"].rpartition("//")[2] for each in scored}
    assert {"secrets-ensure", "secrets-rotate-passwords", "secrets-rotate-key", "secrets-deny"} <= checked
    failed = {
        (check["check"]["id"], each["object_name"])
        for each in scored
        for check in each["checks"]
        if not check["skipped"] and check["grade"] < GRADE_OK
    }
    assert {(check, name) for check, name in failed if EXEMPTIONS.get(check, ("", ""))[0] != ALL_OBJECTS} == set()
