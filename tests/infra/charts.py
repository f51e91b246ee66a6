"""Render and lint charts without a cluster, with Helm's own code through helm_python."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import helm_python
import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
CHARTS: Final = ROOT / "charts"
ANDEN: Final = CHARTS / "anden"
Manifest = dict[str, Any]

STATION: Final[Mapping[str, str]] = {
    "environment": "dev",
    "name": "anden-dev",
    "region": "eu-west-1",
    "domain": "dev.data.example.org",
    "zoneId": "ZFILLMEIN",
    "vpcId": "vpc-00000000000000000",
    "imageRepository": "000000000000.dkr.ecr.eu-west-1.amazonaws.com/anden-dev",
    "kafkaBrokers": "b-1.anden-dev.example.org:9098,b-2.anden-dev.example.org:9098,b-3.anden-dev.example.org:9098",
    "postgresMode": "rds",
    "postgresAddress": "anden-dev.example.org",
    "postgresBackups": "",
    "adminSecretArn": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:rds-db-admin",
    "probeSecretName": "anden-dev/probe/key",
    "celeryQueueUrl": "https://sqs.eu-west-1.amazonaws.com/000000000000/anden-dev-celery",
    "celeryQueueName": "anden-dev-celery",
    "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/anden-dev-web/0000000000000000",
    "alarmsTopicArn": "arn:aws:sns:eu-west-1:000000000000:anden-dev-alarms",
}
"""Terraform's outputs for dev, as passed on by Argo CD's annotations."""


def station(environment: str) -> dict[str, Any]:
    """Values with `global.station` of this environment."""
    named = {key: value.replace("anden-dev", f"anden-{environment}") for key, value in STATION.items()}
    if environment == "prod":
        named["domain"] = "data.example.org"
    return {"global": {"station": {**named, "environment": environment}}}


def merged(*values: Mapping[str, Any]) -> dict[str, Any]:
    """The values merged key by key, as Helm does: later ones win."""
    result: dict[str, Any] = {}
    for each in values:
        for key, value in each.items():
            inner = result.get(key)
            both = isinstance(inner, Mapping) and isinstance(value, Mapping)
            result[key] = merged(inner, value) if both and inner is not None else value
    return result


def value_file(directory: Path, name: str) -> dict[str, Any]:
    """The chart's values file; empty if it does not exist."""
    path = directory / name
    return dict(yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def render(directory: Path, *values: Mapping[str, Any], namespace: str | None = None) -> list[Manifest]:
    """Objects rendered with these values, in the order of the templates' names."""
    with helm_python.Chart.load(directory) as chart:
        chart.validate_schema(merged(*values))
        name = directory.name
        texts = chart.render(merged(*values), name=name, namespace=namespace or name)
    return [
        document
        for path in sorted(texts)
        if not path.endswith(".txt")
        for document in yaml.safe_load_all(texts[path])
        if document
    ]


def lint(directory: Path, *values: Mapping[str, Any]) -> list[str]:
    """Helm's lint findings, one line each; empty for a good chart."""
    report = helm_python.lint(directory, merged(*values), namespace=directory.name)
    findings = [f"{found['path']}: {found['error']}" for found in report["messages"] if found["severity"] >= 2]
    return findings + [str(error) for error in report["errors"] if not any(str(error) in line for line in findings)]


IMAGE: Final = {"image": {"tag": "0.1.0-000000000000", "digest": f"sha256:{0:064}"}}
"""A fixed values-image.yaml: the pipeline changes the real one too often for golden files."""


def environment_values(environment: str) -> list[dict[str, Any]]:
    """The values that Argo CD passes to charts/anden; `minimal` is only `global.station`."""
    if environment == "minimal":
        return [station("minimal")]
    return [IMAGE, value_file(ANDEN, f"values-{environment}.yaml"), station(environment)]


def anden(environment: str) -> list[Manifest]:
    """charts/anden rendered for dev, prod or minimal."""
    return render(ANDEN, *environment_values(environment))


GOLDEN: Final = ROOT / "tests" / "infra" / "golden" / "anden"
SETS: Final = ("dev", "prod", "minimal")


def golden_text(environment: str) -> str:
    """The render as YAML documents, as in golden/."""
    return yaml.safe_dump_all(anden(environment), sort_keys=False, width=110, allow_unicode=True)


if __name__ == "__main__":  # python -m tests.infra.charts: update golden/, then review the diff
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for chosen in SETS:
        (GOLDEN / f"{chosen}.yaml").write_text(golden_text(chosen))
