"""One Application per directory in charts/, in waves, with Terraform's outputs."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import hcl2
import helm_python
import pytest
import yaml

from tests.infra.charts import ROOT, STATION
from tests.infra.gitops.argocd_model import (
    MODES,
    REPOSITORY,
    annotations,
    applications,
    applicationsets,
    everything,
    station_values,
    wave,
)

OPTIONS = {"rds": set[str](), "cloudnativepg": {"cert-manager", "cloudnative-pg"}, "bitnami": {"postgresql"}}


def _copy(tmp_path: Path) -> Path:
    for name in ("charts", "gitops", "dashboards"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True)
    return tmp_path


@pytest.mark.property(8)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_each_directory_becomes_exactly_one_application(
    environment: str, mode: str, evidence: Callable[[str], None]
) -> None:
    made = [each for group in everything(environment, mode).values() for each in group]
    names = [each["metadata"]["name"] for each in made]
    there = {path.name for path in (ROOT / "charts").iterdir() if path.is_dir()}
    assert len(names) == len(set(names))
    assert set(names) == there - set().union(*OPTIONS.values()) | OPTIONS[mode]
    evidence(f"{environment}, {mode}: {len(names)} Applications of {len(there)} directories")


@pytest.mark.property(8)
def test_a_new_directory_becomes_an_application(tmp_path: Path, evidence: Callable[[str], None]) -> None:
    root = _copy(tmp_path)
    before = sum(len(group) for group in everything("dev", "rds", root).values())
    shutil.copytree(root / "charts/storage", root / "charts/novel")
    after = everything("dev", "rds", root)
    assert [each["spec"]["destination"]["namespace"] for each in after["workloads"]].count("novel") == 1
    assert sum(len(group) for group in after.values()) == before + 1
    evidence("a new directory in a copy became one Application without another edit")


@pytest.mark.property(8)
@pytest.mark.parametrize("mode", MODES)
def test_applications_define_their_sync_policy(mode: str) -> None:
    for name, group in everything("prod", mode).items():
        for each in group:
            spec = each["spec"]
            assert spec["project"] == "station"
            assert spec["source"]["repoURL"] == REPOSITORY
            assert spec["source"]["targetRevision"] == "main"
            assert spec["source"]["helm"]["ignoreMissingValueFiles"] is True
            assert spec["source"]["helm"]["valueFiles"][-1] == "values-prod.yaml"
            assert spec["destination"]["namespace"] == each["metadata"]["name"]
            assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
            assert {"CreateNamespace=true", "ServerSideApply=true", "SkipDryRunOnMissingResource=true"} <= set(
                spec["syncPolicy"]["syncOptions"]
            )
            labels = spec["syncPolicy"]["managedNamespaceMetadata"]["labels"]
            strict = each["metadata"]["name"] != "kube-prometheus-stack"
            assert labels["pod-security.kubernetes.io/enforce"] == ("restricted" if strict else "privileged")
            # The load balancer controller adds its readiness gate only with this label.
            gated = "elbv2.k8s.aws/pod-readiness-gate-inject" in labels
            assert gated == (each["metadata"]["name"] == "anden")
            assert ("finalizers" in each["metadata"]) == (name != "postgres")


def test_applicationsets_stop_at_a_missing_key_and_fix_the_project() -> None:
    for each in applicationsets("bitnami"):
        assert each["spec"]["goTemplate"] is True
        assert each["spec"]["goTemplateOptions"] == ["missingkey=error"]
        assert each["spec"]["template"]["spec"]["project"] == "station"


def test_a_finished_wave_is_detected_within_half_a_minute() -> None:
    for each in applicationsets("cloudnativepg"):
        git = each["spec"]["generators"][0]["matrix"]["generators"][0]["git"]
        assert 0 < git["requeueAfterSeconds"] <= 30


def test_automated_sync_stays_off_when_disabled_by_hand() -> None:
    (stop,) = re.findall(r"patch application anden .*-p '(.+)'", (ROOT / "docs/guides/restore.md").read_text())[:1]
    assert json.loads(stop) == {"spec": {"syncPolicy": {"automated": None}}}
    for each in applicationsets("bitnami"):
        assert each["spec"]["ignoreApplicationDifferences"] == [{"jsonPointers": ["/spec/syncPolicy/automated"]}]


def test_a_missing_annotation_stops_the_applicationset() -> None:
    values = annotations("dev", "rds")
    del values["anden/zone-id"]
    with pytest.raises(helm_python.HelmError, match="no annotation anden/zone-id"):
        applications(applicationsets("rds")[0], values)


def test_dependencies_get_their_parameters() -> None:
    made = {each["metadata"]["name"]: each for group in everything("prod", "rds").values() for each in group}

    def parameters(name: str) -> dict[str, str]:
        return {each["name"]: each["value"] for each in made[name]["spec"]["source"]["helm"]["parameters"]}

    balancer = parameters("aws-load-balancer-controller")
    assert balancer["aws-load-balancer-controller.clusterName"] == "anden-prod"
    assert balancer["aws-load-balancer-controller.vpcId"] == STATION["vpcId"]
    dns = parameters("external-dns")
    assert dns["external-dns.txtOwnerId"] == "anden-prod"
    assert dns["external-dns.extraArgs.zone-id-filter"] == STATION["zoneId"]
    runbooks = parameters("kube-prometheus-stack")[
        "kube-prometheus-stack.prometheus.prometheusSpec.externalLabels.runbooks"
    ]
    assert runbooks == "https://example.org/owner/anden/blob/main/docs/runbooks"


@pytest.mark.property(7)
def test_charts_get_exactly_terraforms_outputs(evidence: Callable[[str], None]) -> None:
    outputs = hcl2.loads((ROOT / "terraform/aws/outputs.tf").read_text())["output"]
    output = next(each[key]["value"] for each in outputs for key in each if key.strip('"') == "station")
    scalars = {key.strip('"') for key in output if not key.startswith("__")} - {"role_secret_names"}
    camel = {_camel(key) for key in scalars}
    given = station_values(everything("dev", "rds")["workloads"][0])["global"]["station"]
    assert set(given) == camel
    evidence(f"{len(camel)} outputs of the first root reach each chart by name")


def _camel(snake: str) -> str:
    first, *rest = snake.split("_")
    return first + "".join(word.title() for word in rest)


@pytest.mark.property(9)
@pytest.mark.parametrize("mode", MODES)
def test_waves_are_in_order(mode: str, evidence: Callable[[str], None]) -> None:
    sets = applicationsets(mode)
    names = [each["metadata"]["name"] for each in sets]
    assert [wave(each) for each in sets] == sorted({wave(each) for each in sets})
    assert [name for name in names if name != "postgres"] == [
        "foundations",
        "definitions",
        "secrets",
        "workloads",
    ]
    if mode != "rds":
        # The administrator's password is generated too.
        assert names.index("secrets") < names.index("postgres") < names.index("workloads")
    evidence(f"{mode}: {' < '.join(names)}")


def test_regenerated_certificates_do_not_block_a_wave() -> None:
    for each in applicationsets("bitnami"):
        spec = each["spec"]["template"]["spec"]
        ignored = {rule["kind"] for rule in spec["ignoreDifferences"]}
        assert ignored == {"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService", "Secret"}
        # Without this option each sync would still overwrite the certificate.
        assert "RespectIgnoreDifferences=true" in spec["syncPolicy"]["syncOptions"]
        secrets = {
            rule["name"]: rule["jsonPointers"] for rule in spec["ignoreDifferences"] if rule["kind"] == "Secret"
        }
        assert secrets == {"aws-load-balancer-tls": ["/data"], "station-crt": ["/data"]}


def test_databases_outlive_their_applicationset() -> None:
    kept = {
        each["metadata"]["name"]: each["spec"]["syncPolicy"]["preserveResourcesOnDeletion"]
        for each in applicationsets("cloudnativepg")
    }
    others = ("foundations", "definitions", "secrets", "workloads")
    assert kept == {**dict.fromkeys(others, False), "postgres": True}


def test_named_directories_exist() -> None:
    values = yaml.safe_load((ROOT / "gitops/values.yaml").read_text())
    named = [name for each in values["waves"] for name in each["directories"]]
    named += [name for names in values["options"].values() for name in names]
    named += [*values["parameters"], *values["podSecurity"], *values["readinessGates"]]
    assert [name for name in named if not (ROOT / "charts" / name / "Chart.yaml").is_file()] == []
