"""charts/anden lints, its schema is closed and documented, and its renders match golden/."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

from tests.infra.charts import (
    ANDEN,
    GOLDEN,
    ROOT,
    SETS,
    Manifest,
    anden,
    environment_values,
    golden_text,
    lint,
    render,
)
from tests.infra.charts import station as station_values

SCHEMA: dict[str, Any] = json.loads((ANDEN / "values.schema.json").read_text())


def leaves(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each value of the schema with its dotted name. Asserts that every object is closed and documented."""
    assert schema["additionalProperties"] is False, path
    for name, each in schema["properties"].items():
        assert each["description"], (*path, name)
        if each["type"] == "object":
            yield from leaves(each, (*path, name))
        else:
            yield ".".join((*path, name)), each


@pytest.mark.property(8)
@pytest.mark.parametrize("environment", SETS)
def test_lints_and_renders_the_same_twice(environment: str, evidence: Callable[[str], None]) -> None:
    assert lint(ANDEN, *environment_values(environment)) == []
    assert golden_text(environment) == golden_text(environment)
    evidence(f"charts/anden lints for {environment}: {len(anden(environment))} objects")


@pytest.mark.parametrize("environment", SETS)
def test_renders_match_the_golden_files(environment: str) -> None:
    kept = (GOLDEN / f"{environment}.yaml").read_text()
    assert golden_text(environment) == kept, "run python -m tests.infra.charts and review the diff"


@pytest.mark.property(8)
def test_values_are_closed_and_documented(evidence: Callable[[str], None]) -> None:
    values = yaml.safe_load((ANDEN / "values.yaml").read_text())
    readme = (ANDEN / "README.md").read_text()
    found = dict(leaves(SCHEMA))
    for name, each in found.items():
        value: Any = values
        for part in name.split("."):
            value = value[part]
        assert f"| `{name}` | `{json.dumps(value)}` | {each['description']} |" in readme
    documented = re.findall(r"^\| `([a-z]\w*(?:\.\w+)*)` \| `", readme, re.MULTILINE)
    assert sorted(documented) == sorted(found)
    evidence(f"{len(found)} values of charts/anden in a closed schema, each documented")


@pytest.mark.property(8)
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"web": {"replica": 2}}, "replica"),
        ({"global": {"station": {"account": "x"}}}, "account"),
        ({"ingest": {"maxReplicas": "4"}}, "/ingest/maxReplicas"),
        ({"image": {"tag": "latest"}}, "/image/tag"),
        ({"image": {"digest": "sha256:1"}}, "/image/digest"),
        ({"global": {"station": {"postgresMode": "aurora"}}}, "/global/station/postgresMode"),
    ],
)
def test_an_invalid_value_is_named(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(helm_python.HelmError, match=field):
        render(ANDEN, *environment_values("dev"), wrong)


def test_a_missing_host_of_rds_is_named() -> None:
    with pytest.raises(helm_python.HelmError, match=r"global\.station\.postgresAddress is missing"):
        render(ANDEN, station_values("dev"), {"global": {"station": {"postgresAddress": ""}}})


def kubernetes_version() -> str:
    """Kubernetes version of prod."""
    text = (ROOT / "terraform" / "environments" / "prod.tfvars").read_text()
    found = re.search(r'^kubernetes_version = "([\d.]+)"', text, re.MULTILINE)
    assert found
    return found[1]


@pytest.mark.property(8)
def test_kubernetes_knows_every_field(rendered: list[Manifest], evidence: Callable[[str], None]) -> None:
    version, own = (
        kubernetes_version(),
        [each for each in rendered if "." not in group(each) or "k8s.io" in group(each)],
    )
    own = [each for each in own if each["kind"] != "TargetGroupBinding"]
    for each in own:
        kubernetes_validate.validate(each, version, strict=True)
    assert len(own) > 30
    evidence(f"{len(own)} objects match the schemas of Kubernetes {version}")


def group(manifest: Manifest) -> str:
    """The API group of an object; empty for the core group."""
    version: str = manifest["apiVersion"]
    return version.rpartition("/")[0]


@pytest.mark.parametrize(
    ("mode", "host"),
    [
        ("rds", "anden-prod.example.org"),
        ("cloudnativepg", "station-rw.cloudnative-pg.svc.cluster.local"),
        ("bitnami", "station.postgresql.svc.cluster.local"),
    ],
)
def test_each_mode_connects_to_its_database_host(mode: str, host: str) -> None:
    address = {"postgresMode": mode, **({} if mode == "rds" else {"postgresAddress": "", "adminSecretArn": ""})}
    objects = render(ANDEN, *environment_values("prod"), {"global": {"station": address}})
    text = yaml.safe_dump_all(objects, width=1000)
    hosts = set(re.findall(r"postgresql://[^@]+@([^:]+):5432/(?:anden|postgres)\?sslmode=require", text))
    assert hosts == {host}
    key = "arn:aws:secretsmanager" if mode == "rds" else "anden-prod/postgres/admin"
    (admin,) = (each for each in objects if each["metadata"]["name"] == "anden-postgres-admin")
    assert all(each["remoteRef"]["key"].startswith(key) for each in admin["spec"]["data"])
