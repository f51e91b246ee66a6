"""What Argo CD would make of gitops/: a model of its git-directories and cluster generators.

The templates themselves are run by Helm's engine, which has the same language and the same functions; Argo CD's option
missingkey=error is stood in for by looking for what Go prints in place of a missing key.
"""

import tempfile
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import helm_python
import yaml

from tests.infra.charts import ROOT, STATION, Manifest, merged, render

REPOSITORY: Final = "https://example.org/owner/anden.git"
MODES: Final = ("rds", "cloudnativepg", "bitnami")


def annotations(environment: str, mode: str) -> dict[str, str]:
    """What Terraform writes on the cluster Secret."""
    facts = {**STATION, "environment": environment, "postgresMode": mode, "name": f"anden-{environment}"}
    if mode != "rds":
        facts |= {"adminSecretArn": "", "postgresAddress": ""}
    if mode == "cloudnativepg":
        facts["postgresBackups"] = f"anden-{environment}-backups"
    return {f"anden/{_kebab(key)}": value for key, value in facts.items()}


def _kebab(camel: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in camel)


def applicationsets(mode: str, root: Path = ROOT) -> list[Manifest]:
    """The ApplicationSets, in the order of their waves."""
    found = render(
        root / "gitops",
        {"repository": REPOSITORY, "revision": "main", "postgresMode": mode},
        namespace="argocd",
    )
    return sorted(found, key=wave)


def wave(manifest: Manifest) -> int:
    """The sync wave of an object."""
    return int(manifest["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", "0"))


def directories(applicationset: Manifest, root: Path = ROOT) -> list[str]:
    """The directories that the git generator finds: those that a path matches and no exclusion does."""
    git = applicationset["spec"]["generators"][0]["matrix"]["generators"][0]["git"]
    wanted = [rule["path"] for rule in git["directories"] if not rule.get("exclude")]
    left_out = [rule["path"] for rule in git["directories"] if rule.get("exclude")]
    paths = sorted(f"charts/{path.name}" for path in (root / "charts").iterdir() if path.is_dir())
    return [path for path in paths if any(fnmatch(path, rule) for rule in wanted) and path not in left_out]


def applications(applicationset: Manifest, facts: Mapping[str, str], root: Path = ROOT) -> list[Manifest]:
    """The Applications of one ApplicationSet with the one cluster that there is."""
    cluster = {"name": "station", "server": "https://kubernetes.default.svc", "metadata": {"annotations": dict(facts)}}
    return [
        _application(applicationset["spec"], {**cluster, "path": {"path": path, "basename": Path(path).name}})
        for path in directories(applicationset, root)
    ]


def _application(spec: Manifest, parameters: Mapping[str, Any]) -> Manifest:
    template = yaml.safe_load(_filled(yaml.safe_dump(spec["template"], width=10_000), parameters))
    patch = yaml.safe_load(_filled(spec.get("templatePatch", ""), parameters)) or {}
    return merged(template, patch)


def _filled(text: str, parameters: Mapping[str, Any]) -> str:
    """The text as Argo CD's template engine fills it. Raises HelmError: a template failed."""
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / "scratch"
        (chart / "templates").mkdir(parents=True)
        (chart / "Chart.yaml").write_text("apiVersion: v2\nname: scratch\nversion: 1.0.0\n")
        (chart / "templates/text.txt").write_text("{{- with .Values.parameters }}\n" + text + "\n{{- end }}")
        with helm_python.Chart.load(chart) as loaded:
            filled = loaded.render({"parameters": dict(parameters)})["scratch/templates/text.txt"]
    if "<no value>" in filled:
        raise KeyError(filled)
    return filled


def everything(environment: str, mode: str, root: Path = ROOT) -> dict[str, list[Manifest]]:
    """The Applications of each ApplicationSet, by its name, in the order of waves."""
    facts = annotations(environment, mode)
    return {each["metadata"]["name"]: applications(each, facts, root) for each in applicationsets(mode, root)}


def station_values(application: Manifest) -> dict[str, Any]:
    """The values that the Application gives its chart."""
    return dict(application["spec"]["source"]["helm"]["valuesObject"])
