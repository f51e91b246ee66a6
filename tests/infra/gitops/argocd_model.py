"""A model of Argo CD's git directory and cluster generators, to expand gitops/.

Helm's engine, which has the same template language and functions, renders the templates. To emulate Argo CD's
missingkey=error, the model searches the output for Go's placeholder for a missing key.
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
    """The annotations that Terraform writes to the cluster Secret."""
    values = {**STATION, "environment": environment, "postgresMode": mode, "name": f"anden-{environment}"}
    if mode != "rds":
        values |= {"adminSecretArn": "", "postgresAddress": ""}
    if mode == "cloudnativepg":
        values["postgresBackups"] = f"anden-{environment}-backups"
    return {f"anden/{_kebab(key)}": value for key, value in values.items()}


def _kebab(camel: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in camel)


def applicationsets(mode: str, root: Path = ROOT) -> list[Manifest]:
    """ApplicationSets in wave order."""
    found = render(
        root / "gitops",
        {"repository": REPOSITORY, "revision": "main", "postgresMode": mode},
        namespace="argocd",
    )
    return sorted(found, key=wave)


def wave(manifest: Manifest) -> int:
    """Sync wave of an object."""
    return int(manifest["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", "0"))


def directories(applicationset: Manifest, root: Path = ROOT) -> list[str]:
    """Directories that the git generator finds: matched by a path and not excluded."""
    git = applicationset["spec"]["generators"][0]["matrix"]["generators"][0]["git"]
    wanted = [rule["path"] for rule in git["directories"] if not rule.get("exclude")]
    excluded = [rule["path"] for rule in git["directories"] if rule.get("exclude")]
    paths = sorted(f"charts/{path.name}" for path in (root / "charts").iterdir() if path.is_dir())
    return [path for path in paths if any(fnmatch(path, rule) for rule in wanted) and path not in excluded]


def applications(applicationset: Manifest, values: Mapping[str, str], root: Path = ROOT) -> list[Manifest]:
    """Applications of one ApplicationSet for the only cluster."""
    cluster = {
        "name": "station",
        "server": "https://kubernetes.default.svc",
        "metadata": {"annotations": dict(values)},
    }
    return [
        _application(applicationset["spec"], {**cluster, "path": {"path": path, "basename": Path(path).name}})
        for path in directories(applicationset, root)
    ]


def _application(spec: Manifest, parameters: Mapping[str, Any]) -> Manifest:
    template = yaml.safe_load(_rendered(yaml.safe_dump(spec["template"], width=10_000), parameters))
    patch = yaml.safe_load(_rendered(spec.get("templatePatch", ""), parameters)) or {}
    return merged(template, patch)


def _rendered(text: str, parameters: Mapping[str, Any]) -> str:
    """Render the text as Argo CD does. Raises HelmError if a template fails."""
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / "scratch"
        (chart / "templates").mkdir(parents=True)
        (chart / "Chart.yaml").write_text("apiVersion: v2\nname: scratch\nversion: 1.0.0\n")
        (chart / "templates/text.txt").write_text("{{- with .Values.parameters }}\n" + text + "\n{{- end }}")
        with helm_python.Chart.load(chart) as loaded:
            rendered_text = loaded.render({"parameters": dict(parameters)})["scratch/templates/text.txt"]
    if "<no value>" in rendered_text:
        raise KeyError(rendered_text)
    return rendered_text


def everything(environment: str, mode: str, root: Path = ROOT) -> dict[str, list[Manifest]]:
    """Applications by ApplicationSet, in wave order."""
    values = annotations(environment, mode)
    return {each["metadata"]["name"]: applications(each, values, root) for each in applicationsets(mode, root)}


def station_values(application: Manifest) -> dict[str, Any]:
    """Values that the Application passes to its chart."""
    return dict(application["spec"]["source"]["helm"]["valuesObject"])
