"""kube-score on the golden renders of charts/anden: every finding is fixed or has a reason."""

import json
import subprocess
from collections.abc import Callable
from typing import Final

import pytest

from tests.infra.charts import GOLDEN, SETS

GRADE_OK: Final = 10
ALL_OBJECTS: Final = frozenset({"*"})
SINGLE: Final = frozenset(
    {"anden-beat", "anden-cloudwatch", "anden-fleet", "anden-lag", "anden-postgres-exporter", "anden-probe"}
)
EXEMPTIONS: Final = {
    "container-image-pull-policy": (
        ALL_OBJECTS,
        "the image has an exact version or digest, so pulling again changes nothing",
    ),
    "container-ephemeral-storage-request-and-limit": (
        ALL_OBJECTS,
        "the root is read-only and each emptyDir has a size limit",
    ),
    "pod-probes-identical": (
        SINGLE | {"anden-ingest", "anden-worker"},
        "the metrics server has one endpoint, which both probes use",
    ),
    "deployment-strategy": (SINGLE, "Recreate ensures that there is only one pod"),
    "deployment-replicas": (
        SINGLE | {"anden-ingest", "anden-worker"},
        "one replica by design; KEDA scales ingest, and the worker's jobs are rows that wait",
    ),
    "horizontalpodautoscaler-replicas": (
        frozenset({"anden-web"}),
        "dev starts with one web pod to save cost",
    ),
    "deployment-has-host-podantiaffinity": (
        frozenset({"anden-ingest", "anden-web", "anden-worker"}),
        "topologySpreadConstraints spread pods over zones, and therefore over nodes",
    ),
}
"""kube-score checks that these objects may fail, and why."""


@pytest.fixture(scope="module")
def failed(require: Callable[[str], str]) -> dict[str, set[tuple[str, str]]]:
    """Failed checks per set of values, as (check, object)."""
    program = require("kube-score")
    found = {}
    for name in SETS:
        command = [program, "score", "--output-format", "json", str(GOLDEN / f"{name}.yaml")]
        scored = subprocess.run(command, capture_output=True, text=True, check=False)
        objects = json.loads(scored.stdout)
        assert len(objects) >= 30, scored.stderr
        found[name] = {
            (check["check"]["id"], each["object_name"].rpartition("//")[2].partition("/")[0])
            for each in objects
            for check in each["checks"]
            if not check["skipped"] and check["grade"] < GRADE_OK
        }
    return found


def is_exempt(check: str, name: str) -> bool:
    names_allowed, _ = EXEMPTIONS.get(check, (frozenset[str](), ""))
    return names_allowed == ALL_OBJECTS or name in names_allowed


@pytest.mark.property(8)
@pytest.mark.parametrize("environment", SETS)
def test_kube_score_reports_only_exempted_checks(
    failed: dict[str, set[tuple[str, str]]], environment: str, evidence: Callable[[str], None]
) -> None:
    assert {(check, name) for check, name in failed[environment] if not is_exempt(check, name)} == set()
    evidence(f"kube-score reports nothing in charts/anden except {len(EXEMPTIONS)} checks with a reason")


def test_each_exemption_is_still_needed(failed: dict[str, set[tuple[str, str]]]) -> None:
    everything = set[tuple[str, str]]().union(*failed.values())
    for check, (names_allowed, _) in EXEMPTIONS.items():
        names = {name for failing, name in everything if failing == check}
        assert names, check
        assert names_allowed in (ALL_OBJECTS, names), check
