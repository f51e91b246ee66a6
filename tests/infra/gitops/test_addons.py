"""The add-ons' charts render, their values are closed, and the AppProjects allow exactly what they need."""

import json
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from tests.infra.charts import ROOT, Manifest, lint, merged, render, value_file
from tests.infra.gitops.argocd_model import MODES, REPOSITORY, annotations, applicationsets, everything, station_values

CHARTS = sorted(path for path in (ROOT / "charts").iterdir() if path.is_dir())
ADDONS = [path for path in CHARTS if path.name != "anden"]
ROOT_CHART = ROOT / "terraform/modules/kubernetes/charts/root"
# Without a network there are no dependencies, and a wrapper chart has no templates.
_EXPECTED = re.compile(r"missing these dependencies|templates/: directory does not exist|templates.*does not exist")


@cache
def _application_values(environment: str, mode: str) -> dict[str, dict[str, Any]]:
    """Values that each Application passes, by chart name."""
    applications = [each for group in everything(environment, mode).values() for each in group]
    return {each["metadata"]["name"]: station_values(each) for each in applications}


def _values(chart: Path, environment: str, mode: str) -> list[dict[str, Any]]:
    return [value_file(chart, f"values-{environment}.yaml"), _application_values(environment, mode)[chart.name]]


def _mode(chart: Path) -> str:
    return {"cloudnative-pg": "cloudnativepg", "cert-manager": "cloudnativepg", "postgresql": "bitnami"}.get(
        chart.name, "rds"
    )


@cache
def _rendered(environment: str) -> tuple[tuple[str, Manifest], ...]:
    """Each add-on object with its chart's name."""
    return tuple(
        (chart.name, each) for chart in ADDONS for each in render(chart, *_values(chart, environment, _mode(chart)))
    )


def root_objects(environment: str = "dev", mode: str = "rds") -> list[Manifest]:
    """Objects that Terraform installs with Argo CD, with namespaces and repositories read from charts/."""
    dependencies = [each for path in CHARTS for each in _chart(path).get("dependencies", [])]
    return render(
        ROOT_CHART,
        {
            "annotations": annotations(environment, mode),
            "environment": environment,
            "postgresMode": mode,
            "repository": REPOSITORY,
            "revision": "main",
            "namespaces": [path.name for path in CHARTS],
            "chartRepositories": sorted({each["repository"].removeprefix("oci://") for each in dependencies}),
        },
        namespace="argocd",
    )


def _chart(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((path / "Chart.yaml").read_text()))


def _project(name: str) -> Manifest:
    return next(each for each in root_objects() if each["kind"] == "AppProject" and each["metadata"]["name"] == name)


@pytest.mark.property(8)
@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("chart", ADDONS, ids=lambda path: path.name)
def test_an_addon_lints(chart: Path, environment: str) -> None:
    found = [line for line in lint(chart, *_values(chart, environment, _mode(chart))) if not _EXPECTED.search(line)]
    assert found == []


@pytest.mark.property(8)
@pytest.mark.parametrize("chart", ADDONS, ids=lambda path: path.name)
def test_an_unknown_value_is_refused(chart: Path) -> None:
    values = merged(*_values(chart, "dev", _mode(chart)))
    for wrong in ({"novel": 1}, {"global": {"station": {"novel": "x"}}}):
        with helm_python.Chart.load(chart) as loaded, pytest.raises(helm_python.HelmError, match="novel"):
            loaded.validate_schema(merged(values, wrong))


@pytest.mark.property(8)
def test_a_broken_chart_is_reported(tmp_path: Path, evidence: Callable[[str], None]) -> None:
    broken = tmp_path / "storage"
    shutil.copytree(ROOT / "charts/storage", broken)
    (broken / "templates/class.yaml").write_text("kind: {{ .Values.novel.key }\n")
    assert [line for line in lint(broken) if not _EXPECTED.search(line)] != []
    (broken / "Chart.yaml").unlink()
    assert lint(broken) != []
    evidence("a broken template and a directory without Chart.yaml are reported in a copy")


@pytest.mark.property(8)
def test_dependencies_are_pinned_and_listed(evidence: Callable[[str], None]) -> None:
    pins = (ROOT / "docs/pins.md").read_text()
    seen = 0
    for chart in ADDONS:
        assert (chart / "README.md").is_file(), chart.name
        assert (chart / "values.schema.json").is_file(), chart.name
        for each in _chart(chart).get("dependencies", []):
            assert re.fullmatch(r"v?\d+\.\d+\.\d+", each["version"]), each
            assert f"`{each['name']}` {each['version']}" in pins, each
            assert set(value_file(chart, "values.yaml")) >= {each["name"]}
            seen += 1
    evidence(f"{seen} dependencies with exact versions, all in docs/pins.md")


@pytest.mark.property(9)
def test_terraform_and_argo_cd_own_different_objects(evidence: Callable[[str], None]) -> None:
    def key(manifest: Manifest, namespace: str) -> tuple[str, str, str]:
        meta = manifest["metadata"]
        return manifest["kind"], meta.get("namespace", namespace), meta["name"]

    terraform = {key(each, "argocd") for each in root_objects()}
    argo = {key(each, name) for name, each in _rendered("prod")}
    argo |= {key(each, "argocd") for mode in MODES for each in applicationsets(mode)}
    assert len(terraform) == 4
    assert not terraform & argo
    evidence(f"Terraform owns {len(terraform)} objects, Argo CD {len(argo)} add-on objects, with no overlap")


@pytest.mark.property(9)
def test_crds_are_installed_before_their_users() -> None:
    owners = {
        "external-secrets.io": "external-secrets",
        "generators.external-secrets.io": "external-secrets",
        "monitoring.coreos.com": "kube-prometheus-stack",
        "postgresql.cnpg.io": "cloudnative-pg",
        "barmancloud.cnpg.io": "cloudnative-pg",
    }
    place = {
        each["metadata"]["name"]: number
        for mode in MODES
        for number, group in enumerate(everything("dev", mode).values())
        for each in group
    }
    used = 0
    for name, each in _rendered("prod"):
        owner = owners.get(each["apiVersion"].split("/")[0])
        if owner is None:
            assert "." not in each["apiVersion"].split("/")[0] or ".k8s.io/" in each["apiVersion"], each["apiVersion"]
            continue
        used += 1
        later = place[owner] < place[name]
        inside = owner == name and int(each["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", 0))
        assert later or inside, (name, each["kind"])
    assert used > 10


@pytest.mark.property(10)
def test_no_addon_creates_a_load_balancer(evidence: Callable[[str], None]) -> None:
    for _, each in _rendered("prod"):
        assert each["kind"] not in {"Ingress", "IngressClass", "Gateway"}
        assert each.get("spec", {}).get("type") != "LoadBalancer" if each["kind"] == "Service" else True
    texts = [path.read_text() for chart in ADDONS for path in chart.glob("values*.yaml")]
    texts += [path.read_text() for path in (ROOT / "terraform/modules/kubernetes/values").glob("*.yaml")]
    assert [text for text in texts if re.search(r"type: *LoadBalancer|ingress: *\{enabled: *true", text)] == []
    values = value_file(ROOT / "charts/aws-load-balancer-controller", "values.yaml")["aws-load-balancer-controller"]
    assert values["createIngressClassResource"] is False
    assert values["enableServiceMutatorWebhook"] is False
    assert values["ingressClassParams"] == {"create": False}
    evidence(f"{len(texts)} values files contain no Ingress and no LoadBalancer")


def test_the_project_allows_exactly_what_is_rendered() -> None:
    spec = _project("station")["spec"]
    namespaces = {each["namespace"] for each in spec["destinations"]}
    assert namespaces == {path.name for path in CHARTS} | {"kube-system"}
    assert "argocd" not in namespaces
    assert not [each for each in (*namespaces, *spec["sourceRepos"]) if "*" in each]
    allowed = {(each["group"], each["kind"]) for each in spec["clusterResourceWhitelist"]}
    assert not [each for each in allowed if "*" in each]
    cluster_wide = {"ClusterSecretStore", "StorageClass"}
    made = {
        (each["apiVersion"].rpartition("/")[0], each["kind"])
        for _, each in _rendered("prod")
        if each["kind"] in cluster_wide
    }
    assert {kind for _, kind in made} == cluster_wide
    assert made <= allowed
    repositories = {
        each["repository"].removeprefix("oci://") for path in CHARTS for each in _chart(path).get("dependencies", [])
    }
    assert set(spec["sourceRepos"]) == {REPOSITORY, *repositories}


def test_the_root_project_allows_only_applicationsets() -> None:
    spec = _project("station-root")["spec"]
    assert spec["clusterResourceWhitelist"] == []
    assert spec["namespaceResourceWhitelist"] == [{"group": "argoproj.io", "kind": "ApplicationSet"}]
    assert spec["sourceRepos"] == [REPOSITORY]
    assert {each["kind"] for mode in MODES for each in applicationsets(mode)} == {"ApplicationSet"}


def test_a_chart_in_argo_cds_own_namespace_is_refused() -> None:
    values = {"annotations": {"anden/name": "x"}, "environment": "dev", "postgresMode": "rds", "revision": "main"}
    with pytest.raises(helm_python.HelmError, match="own namespace"):
        render(ROOT_CHART, {**values, "repository": REPOSITORY, "namespaces": ["argocd"]}, namespace="argocd")


@pytest.mark.property(12)
def test_the_database_in_the_cluster_survives_a_zone_and_a_mistake(evidence: Callable[[str], None]) -> None:
    chart = ROOT / "charts/cloudnative-pg"
    target_time = "2026-11-23T09:00:00Z"
    values = _values(chart, "prod", "cloudnativepg")
    made = render(chart, *values, {"database": {"restore": {"targetTime": target_time}}})
    by_name = {(each["kind"], each["metadata"]["name"]): each["spec"] for each in made}
    cluster = by_name["Cluster", "station"]
    assert cluster["instances"] == 3
    assert cluster["topologySpreadConstraints"][0]["topologyKey"] == "topology.kubernetes.io/zone"
    assert by_name["ScheduledBackup", "station"]["method"] == "plugin"
    assert int(by_name["ObjectStore", "station"]["retentionPolicy"].removesuffix("d")) >= 14
    restored = by_name["Cluster", "station-restored"]
    assert restored["bootstrap"]["recovery"]["recoveryTarget"]["targetTime"] == target_time
    assert ("Cluster", "station-restored") not in {
        (each["kind"], each["metadata"]["name"]) for each in render(chart, *values)
    }
    evidence(
        "CloudNativePG: 3 instances in different zones, nightly base backups, point-in-time recovery with one value"
    )


def test_the_operator_does_not_manage_the_administrators_roles() -> None:
    chart = ROOT / "charts/cloudnative-pg"
    restore = {"database": {"restore": {"targetTime": "2026-11-23T09:00:00Z"}}}
    made = [each["spec"] for each in render(chart, *_values(chart, "prod", "cloudnativepg"), restore)]
    clusters = [each for each in made if "bootstrap" in each]
    assert len(clusters) == 2
    for each in clusters:
        # The creator of a role becomes a member, and the operator revokes unknown memberships of managed roles.
        assert "managed" not in each
        ((_, begun),) = each["bootstrap"].items()
        assert (begun["owner"], begun["secret"]["name"]) == ("anden_admin", "station-admin")
    (first,) = (each["bootstrap"]["initdb"] for each in clusters if "initdb" in each["bootstrap"])
    # Required by `roles ensure`.
    assert first["postInitSQL"] == [
        "ALTER ROLE anden_admin CREATEROLE CREATEDB",
        "GRANT pg_monitor TO anden_admin WITH ADMIN OPTION",
    ]


@pytest.mark.property(12)
@pytest.mark.parametrize("mode", MODES)
def test_bitnamis_image_is_used_only_in_its_mode(mode: str) -> None:
    made = [each["metadata"]["name"] for group in everything("prod", mode).values() for each in group]
    bitnami = [
        name
        for name in made
        if "bitnami" in json.dumps(value_file(ROOT / "charts" / name, "values.yaml").get(name, {}))
    ]
    assert bitnami == (["postgresql"] if mode == "bitnami" else [])
