"""The cluster root: no manifests, no provider in a module, and only declared outputs of the first root."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lupa
import pytest
import yaml

from tests.infra.charts import ROOT, merged
from tests.infra.gitops.argocd_model import MODES, annotations, applicationsets
from tests.infra.gitops.test_addons import root_objects
from tests.infra.mirror import terraform
from tests.infra.terraform_files import FOLDERS, MODULES, blocks

CLUSTER = ROOT / "terraform/cluster"
MODULE = ROOT / "terraform/modules/kubernetes"


def _kinds(folder: Path, word: str) -> set[str]:
    """First labels of the folder's blocks: resource types or output names."""
    return {name for name, _ in blocks(folder, word)}


@pytest.mark.property(7)
def test_no_manifest_and_no_provider_in_a_module(evidence: Callable[[str], None]) -> None:
    for folder in FOLDERS.values():
        assert "kubernetes_manifest" not in _kinds(folder, "resource"), folder
    for folder in MODULES:
        assert _kinds(folder, "provider") == set(), folder
    assert _kinds(MODULE, "resource") == {"helm_release"}
    evidence(f"{len(FOLDERS)} folders: no kubernetes_manifest, no provider in a module")


@pytest.mark.property(7)
def test_the_second_root_reads_only_declared_outputs(evidence: Callable[[str], None]) -> None:
    declared = _kinds(FOLDERS["aws"], "output")
    text = "\n".join(path.read_text() for path in CLUSTER.glob("*.tf"))
    read = set(re.findall(r"\blocal\.aws\.([a-z_]+)", text))
    assert read == {"cluster_name", "cluster_endpoint", "cluster_certificate_authority_data", "station"}
    assert read <= declared
    assert _kinds(CLUSTER, "data") == {"terraform_remote_state"}
    evidence(f"{len(read)} outputs read, all declared by the first root")


@pytest.mark.property(7)
def test_the_root_has_no_password_and_no_resource() -> None:
    assert _kinds(CLUSTER, "resource") == set()
    versions = (CLUSTER / "versions.tf").read_text()
    assert 'ephemeral "aws_eks_cluster_auth"' in versions
    assert "kubernetes = {" in versions


def test_the_cluster_secret_has_terraforms_outputs() -> None:
    secret = next(each for each in root_objects("prod", "cloudnativepg") if each["kind"] == "Secret")
    assert secret["metadata"]["annotations"] == annotations("prod", "cloudnativepg")
    assert secret["metadata"]["labels"]["argocd.argoproj.io/secret-type"] == "cluster"
    assert json.loads(secret["stringData"]["config"]) == {"tlsClientConfig": {"insecure": False}}
    assert "password" not in secret["stringData"]


def test_terraform_and_the_model_read_the_same_charts_and_annotations(tmp_path: Path) -> None:
    """Evaluate the module's expressions in Terraform, without resources that need the Helm provider."""
    locals_ = (MODULE / "main.tf").read_text().split('resource "helm_release"')[0]
    (tmp_path / "main.tf").write_text(
        locals_.replace("${path.module}", str(MODULE))
        + (MODULE / "variables.tf").read_text()
        + "output "
        + '"seen" { value = { facts = local.annotations, repositories = sort(local.chart_repositories), '
        + "namespaces = sort(keys(local.charts)), health = keys(local.health) } }"
    )
    station = {_snake(key.removeprefix("anden/")): value for key, value in annotations("prod", "rds").items()}
    values = {
        "station": {**station, "postgres_backups": None, "role_secret_names": {"app": "a"}},
        "repository": "https://example.org/owner/anden.git",
        "revision": "main",
        "chart_directory": str(ROOT / "charts"),
        "highly_available": True,
        "argo_cd_version": "9.3.1",
    }
    (tmp_path / "x.auto.tfvars.json").write_text(json.dumps(values))
    for words in (["init"], ["apply", "-auto-approve"], ["output"]):
        command = [terraform(), *words, *(["-json"] if words == ["output"] else ["-input=false", "-no-color"])]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)["seen"]["value"]
    projects = [each for each in root_objects() if each["kind"] == "AppProject"]
    project = next(each["spec"] for each in projects if each["metadata"]["name"] == "station")
    assert seen["facts"] == annotations("prod", "rds")
    assert set(seen["repositories"]) | {"https://example.org/owner/anden.git"} == set(project["sourceRepos"])
    assert set(seen["namespaces"]) | {"kube-system"} == {each["namespace"] for each in project["destinations"]}
    assert len(seen["health"]) == 2


def _snake(kebab: str) -> str:
    return kebab.replace("-", "_")


def test_the_root_application_points_at_gitops() -> None:
    root = next(each for each in root_objects() if each["kind"] == "Application")["spec"]
    assert root["source"]["path"] == "gitops"
    assert (ROOT / root["source"]["path"] / "Chart.yaml").is_file()
    assert root["project"] == "station-root"
    assert root["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}


def test_argo_cd_denies_anonymous_access() -> None:
    values = yaml.safe_load((MODULE / "values/argocd.yaml").read_text())
    assert values["configs"]["cm"]["users.anonymous.enabled"] is False
    assert values["configs"]["rbac"]["policy.default"] == ""
    assert values["applicationSet"]["enabled"] is True
    for part in ("controller", "server", "repoServer", "applicationSet", "redis"):
        assert values[part]["metrics"]["serviceMonitor"]["enabled"] is True
        assert {"requests", "limits"} <= set(values[part]["resources"])


# Components whose ingress the chart's NetworkPolicies allow, if global.networkPolicy is on.
CHART_POLICIES = {"controller", "server", "repoServer", "applicationSet", "redis", "dex", "notifications"}
# Components from subcharts: values that allow their ingress under a default deny.
SUBCHART_POLICIES = {"redis-ha": ("networkPolicy.enabled", "haproxy.networkPolicy.enabled")}


def _unreachable(values: dict[str, Any]) -> list[str]:
    """Enabled components that are unreachable under the default deny."""
    if not values["global"]["networkPolicy"]["defaultDenyIngress"]:
        return []
    on = {
        name for name, each in values.items() if isinstance(each, dict) and each.get("enabled", name in CHART_POLICIES)
    }
    missing = [
        f"{name}: {path or 'unknown policy'}"
        for name in sorted(on - CHART_POLICIES)
        for path in SUBCHART_POLICIES.get(name, ("",))
        if not path or _at(values[name], path) is not True
    ]
    return missing if values["global"]["networkPolicy"]["create"] else [*missing, *sorted(on & CHART_POLICIES)]


def _at(values: Any, path: str) -> Any:
    for part in path.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _argo_cd(*files: str) -> dict[str, Any]:
    return merged(*(yaml.safe_load((MODULE / "values" / file).read_text()) for file in files))


@pytest.mark.property(9)
@pytest.mark.parametrize("files", [("argocd.yaml",), ("argocd.yaml", "argocd-ha.yaml")], ids=["dev", "prod"])
def test_argo_cds_default_deny_blocks_none_of_its_components(
    files: tuple[str, ...], evidence: Callable[[str], None]
) -> None:
    values = _argo_cd(*files)
    assert values["global"]["networkPolicy"] == {"create": True, "defaultDenyIngress": True}
    assert _unreachable(values) == []
    evidence(f"{' and '.join(files)}: each Argo CD component has a policy that admits its clients")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            {"redis-ha": {"enabled": True}},
            ["redis-ha: networkPolicy.enabled", "redis-ha: haproxy.networkPolicy.enabled"],
        ),
        (
            {"redis-ha": {"enabled": True, "networkPolicy": {"enabled": True}}},
            ["redis-ha: haproxy.networkPolicy.enabled"],
        ),
        ({"redis-ha": {"enabled": False}}, []),
        ({"novel-cache": {"enabled": True}}, ["novel-cache: unknown policy"]),
        ({"global": {"networkPolicy": {"create": False}}}, ["applicationSet", "controller", "redis"]),
    ],
)
def test_an_enabled_component_needs_a_network_policy(more: dict[str, Any], expected: list[str]) -> None:
    found = _unreachable(merged(_argo_cd("argocd.yaml", "argocd-ha.yaml"), more))
    assert set(expected) <= set(found)
    assert bool(found) == bool(expected)


@pytest.mark.property(9)
def test_server_side_apply_uses_server_side_diff(evidence: Callable[[str], None]) -> None:
    """Otherwise defaults of custom resources would always differ, and a wave would wait forever."""
    kinds = [each["spec"]["template"]["spec"] for mode in MODES for each in applicationsets(mode)]
    kinds += [each["spec"] for each in root_objects() if each["kind"] == "Application"]
    by_server = ["ServerSideApply=true" in spec["syncPolicy"]["syncOptions"] for spec in kinds]
    assert all(by_server)
    for files in (("argocd.yaml",), ("argocd.yaml", "argocd-ha.yaml")):
        assert str(_argo_cd(*files)["configs"]["params"]["controller.diff.server.side"]).lower() == "true"
    evidence(f"{len(by_server)} Application specs use server-side apply and diff")


def _health(kind: str, thing: dict[str, Any]) -> dict[str, Any]:
    lua = lupa.LuaRuntime()
    lua.globals().obj = _table(lua, thing)
    found = lua.execute((MODULE / f"health/{kind}.lua").read_text())
    return {"status": found["status"], "message": found["message"]}


def _table(lua: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return lua.table_from({key: _table(lua, each) for key, each in value.items()})
    return lua.table_from([_table(lua, each) for each in value]) if isinstance(value, list) else value


def _resource(name: str, health: str | None, status: str = "Synced") -> dict[str, Any]:
    return {"name": name, "status": status, **({"health": {"status": health}} if health else {})}


@pytest.mark.property(9)
@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([], "Progressing"),
        ([_resource("a", "Healthy"), _resource("b", "Healthy")], "Healthy"),
        ([_resource("a", "Healthy"), _resource("b", "Progressing")], "Progressing"),
        ([_resource("a", "Healthy"), _resource("b", "Healthy", "OutOfSync")], "Progressing"),
        ([_resource("a", "Healthy"), _resource("b", None)], "Progressing"),
        ([_resource("a", "Degraded"), _resource("b", "Progressing")], "Degraded"),
    ],
)
def test_a_wave_waits_for_each_of_its_applications(resources: list[dict[str, Any]], expected: str) -> None:
    assert _health("applicationset", {"status": {"resources": resources}})["status"] == expected


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        ({}, "Progressing"),
        ({"status": {"health": {"status": "Healthy"}, "sync": {"status": "Synced"}}}, "Healthy"),
        ({"status": {"health": {"status": "Healthy"}, "sync": {"status": "OutOfSync"}}}, "Progressing"),
        ({"status": {"health": {"status": "Degraded"}, "sync": {"status": "Synced"}}}, "Degraded"),
        ({"metadata": {"deletionTimestamp": "2026-11-23T09:00:00Z"}}, "Progressing"),
    ],
)
def test_an_application_is_healthy_when_synced_and_healthy(thing: dict[str, Any], expected: str) -> None:
    assert _health("application", thing)["status"] == expected


def test_an_error_of_the_applicationset_stops_its_wave() -> None:
    condition = {"type": "ErrorOccurred", "status": "True", "message": "no annotation"}
    found = _health("applicationset", {"status": {"conditions": [condition]}})
    assert found == {"status": "Degraded", "message": "no annotation"}
