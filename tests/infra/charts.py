"""Rendering and linting charts without a cluster: Helm's own code, bound by helm_python."""

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
"""What Terraform would say of the environment dev, as Argo CD's annotations bring it."""


def station(environment: str) -> dict[str, Any]:
    """Values with the station of this environment."""
    named = {key: value.replace("anden-dev", f"anden-{environment}") for key, value in STATION.items()}
    if environment == "prod":
        named["domain"] = "data.example.org"
    return {"global": {"station": {**named, "environment": environment}}}


def merged(*values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, the later ones over the earlier, key by key as Helm does."""
    whole: dict[str, Any] = {}
    for each in values:
        for key, value in each.items():
            inner = whole.get(key)
            both = isinstance(inner, Mapping) and isinstance(value, Mapping)
            whole[key] = merged(inner, value) if both and inner is not None else value
    return whole


def value_file(directory: Path, name: str) -> dict[str, Any]:
    """What a value file of the chart says; nothing where it is missing."""
    path = directory / name
    return dict(yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def render(directory: Path, *values: Mapping[str, Any], namespace: str | None = None) -> list[Manifest]:
    """The objects that the chart gives with these values, in the order of its templates' names."""
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
    """What Helm's lint finds at fault, one line each; nothing in a good chart."""
    report = helm_python.lint(directory, merged(*values), namespace=directory.name)
    told = [f"{found['path']}: {found['error']}" for found in report["messages"] if found["severity"] >= 2]
    return told + [str(error) for error in report["errors"] if not any(str(error) in line for line in told)]


IMAGE: Final = {"image": {"tag": "0.1.0-000000000000", "digest": f"sha256:{0:064}"}}
"""An image as the pipeline writes it to values-image.yaml, which it does too often for renders that are kept."""


def environment_values(environment: str) -> list[dict[str, Any]]:
    """What Argo CD gives charts/anden in this environment; `minimal` is what the station says and nothing else."""
    if environment == "minimal":
        return [station("minimal")]
    return [IMAGE, value_file(ANDEN, f"values-{environment}.yaml"), station(environment)]


def anden(environment: str) -> list[Manifest]:
    """charts/anden as it stands in the environment dev, prod or minimal."""
    return render(ANDEN, *environment_values(environment))


GOLDEN: Final = ROOT / "tests" / "infra" / "golden" / "anden"
SETS: Final = ("dev", "prod", "minimal")


def golden_text(environment: str) -> str:
    """The render as it is kept under golden/: YAML, one object after the other."""
    return yaml.safe_dump_all(anden(environment), sort_keys=False, width=110, allow_unicode=True)


if __name__ == "__main__":  # python -m tests.infra.charts: renew what golden/ keeps, and then read the difference
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for chosen in SETS:
        (GOLDEN / f"{chosen}.yaml").write_text(golden_text(chosen))
