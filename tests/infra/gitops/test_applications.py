"""One Application for each directory in charts/, in waves, with what Terraform knows of the station."""

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
    evidence("a directory made in a copy became one Application, without another edit")


@pytest.mark.property(8)
@pytest.mark.parametrize("mode", MODES)
def test_applications_say_how_they_are_kept(mode: str) -> None:
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
            # The label alone makes the load balancer controller add its gate to pods.
            gated = "elbv2.k8s.aws/pod-readiness-gate-inject" in labels
            assert gated == (each["metadata"]["name"] == "anden")
            assert ("finalizers" in each["metadata"]) == (name != "postgres")


def test_applicationsets_stop_at_a_missing_key_and_fix_the_project() -> None:
    for each in applicationsets("bitnami"):
        assert each["spec"]["goTemplate"] is True
        assert each["spec"]["goTemplateOptions"] == ["missingkey=error"]
        assert each["spec"]["template"]["spec"]["project"] == "station"


def test_a_wave_is_seen_to_be_over_within_half_a_minute() -> None:
    for each in applicationsets("cloudnativepg"):
        git = each["spec"]["generators"][0]["matrix"]["generators"][0]["git"]
        assert 0 < git["requeueAfterSeconds"] <= 30


def test_an_application_that_is_stopped_by_hand_stays_so() -> None:
    (stop,) = re.findall(r"patch application anden .*-p '(.+)'", (ROOT / "docs/guides/restore.md").read_text())[:1]
    assert json.loads(stop) == {"spec": {"syncPolicy": {"automated": None}}}
    for each in applicationsets("bitnami"):
        assert each["spec"]["ignoreApplicationDifferences"] == [{"jsonPointers": ["/spec/syncPolicy/automated"]}]


def test_a_fact_that_the_cluster_secret_lacks_stops_the_applicationset() -> None:
    facts = annotations("dev", "rds")
    del facts["anden/zone-id"]
    with pytest.raises(helm_python.HelmError, match="no annotation anden/zone-id"):
        applications(applicationsets("rds")[0], facts)


def test_dependencies_are_told_the_station_under_their_own_names() -> None:
    made = {each["metadata"]["name"]: each for group in everything("prod", "rds").values() for each in group}

    def told(name: str) -> dict[str, str]:
        return {each["name"]: each["value"] for each in made[name]["spec"]["source"]["helm"]["parameters"]}

    balancer = told("aws-load-balancer-controller")
    assert balancer["aws-load-balancer-controller.clusterName"] == "anden-prod"
    assert balancer["aws-load-balancer-controller.vpcId"] == STATION["vpcId"]
    dns = told("external-dns")
    assert dns["external-dns.txtOwnerId"] == "anden-prod"
    assert dns["external-dns.extraArgs.zone-id-filter"] == STATION["zoneId"]
    runbooks = told("kube-prometheus-stack")["kube-prometheus-stack.prometheus.prometheusSpec.externalLabels.runbooks"]
    assert runbooks == "https://example.org/owner/anden/blob/main/docs/runbooks"


@pytest.mark.property(7)
def test_charts_get_what_terraform_says_and_nothing_else(evidence: Callable[[str], None]) -> None:
    outputs = hcl2.loads((ROOT / "terraform/aws/outputs.tf").read_text())["output"]
    said = next(each[key]["value"] for each in outputs for key in each if key.strip('"') == "station")
    scalars = {key.strip('"') for key in said if not key.startswith("__")} - {"role_secret_names"}
    camel = {_camel(key) for key in scalars}
    given = station_values(everything("dev", "rds")["workloads"][0])["global"]["station"]
    assert set(given) == camel
    evidence(f"{len(camel)} facts of the first root reach each chart, by name")


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
        # The administrator's password is drawn, too.
        assert names.index("secrets") < names.index("postgres") < names.index("workloads")
    evidence(f"{mode}: {' < '.join(names)}")


def test_certificates_made_anew_hold_no_wave_up() -> None:
    for each in applicationsets("bitnami"):
        spec = each["spec"]["template"]["spec"]
        ignored = {rule["kind"] for rule in spec["ignoreDifferences"]}
        assert ignored == {"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService", "Secret"}
        # Ignored and yet written at each synchronisation would still change the certificate.
        assert "RespectIgnoreDifferences=true" in spec["syncPolicy"]["syncOptions"]
        secrets = {
            rule["name"]: rule["jsonPointers"] for rule in spec["ignoreDifferences"] if rule["kind"] == "Secret"
        }
        assert secrets == {"aws-load-balancer-tls": ["/data"], "station-crt": ["/data"]}


def test_what_a_database_holds_outlives_its_applicationset() -> None:
    kept = {
        each["metadata"]["name"]: each["spec"]["syncPolicy"]["preserveResourcesOnDeletion"]
        for each in applicationsets("cloudnativepg")
    }
    others = ("foundations", "definitions", "secrets", "workloads")
    assert kept == {**dict.fromkeys(others, False), "postgres": True}


def test_named_directories_are_there() -> None:
    values = yaml.safe_load((ROOT / "gitops/values.yaml").read_text())
    named = [name for each in values["waves"] for name in each["directories"]]
    named += [name for names in values["options"].values() for name in names]
    named += [*values["parameters"], *values["podSecurity"], *values["readinessGates"]]
    assert [name for name in named if not (ROOT / "charts" / name / "Chart.yaml").is_file()] == []
