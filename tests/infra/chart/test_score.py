"""kube-score on the golden renders of charts/anden: what it finds is mended, or left with a reason."""

import json
import subprocess
from collections.abc import Callable
from typing import Final

import pytest

from tests.infra.charts import GOLDEN, SETS

GOOD: Final = 10
EVERYONE: Final = frozenset({"*"})
SINGLE: Final = frozenset(
    {"anden-beat", "anden-cloudwatch", "anden-fleet", "anden-lag", "anden-postgres-exporter", "anden-probe"}
)
LEFT_OUT: Final = {
    "container-image-pull-policy": (EVERYONE, "a version or digest names the image: a second pull brings nothing new"),
    "container-ephemeral-storage-request-and-limit": (
        EVERYONE,
        "the root is read-only and each emptyDir has a size limit",
    ),
    "pod-probes-identical": (
        SINGLE | {"anden-ingest", "anden-worker"},
        "who tells metrics has one page, and both probes ask for it",
    ),
    "deployment-strategy": (SINGLE, "Recreate is what keeps the single ones single"),
    "deployment-replicas": (
        SINGLE | {"anden-ingest", "anden-worker"},
        "those are one by design; KEDA raises ingest, and the worker's jobs are rows that wait",
    ),
    "horizontalpodautoscaler-replicas": (
        frozenset({"anden-web"}),
        "dev begins with one web pod, which is what makes it cheap",
    ),
    "deployment-has-host-podantiaffinity": (
        frozenset({"anden-ingest", "anden-web", "anden-worker"}),
        "topologySpreadConstraints spread pods over zones, and so over nodes",
    ),
}
"""Checks of kube-score that these objects may fail, and why."""


@pytest.fixture(scope="module")
def failed(require: Callable[[str], str]) -> dict[str, set[tuple[str, str]]]:
    """For each set of values what fails, as (check, object)."""
    program = require("kube-score")
    found = {}
    for name in SETS:
        command = [program, "score", "--output-format", "json", str(GOLDEN / f"{name}.yaml")]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        objects = json.loads(told.stdout)
        assert len(objects) >= 30, told.stderr
        found[name] = {
            (check["check"]["id"], each["object_name"].rpartition("//")[2].partition("/")[0])
            for each in objects
            for check in each["checks"]
            if not check["skipped"] and check["grade"] < GOOD
        }
    return found


def excused(check: str, name: str) -> bool:
    who, _ = LEFT_OUT.get(check, (frozenset[str](), ""))
    return who == EVERYONE or name in who


@pytest.mark.property(8)
@pytest.mark.parametrize("environment", SETS)
def test_kube_score_finds_nothing_but_what_has_a_reason(
    failed: dict[str, set[tuple[str, str]]], environment: str, evidence: Callable[[str], None]
) -> None:
    assert {(check, name) for check, name in failed[environment] if not excused(check, name)} == set()
    evidence(f"kube-score finds nothing in charts/anden but {len(LEFT_OUT)} checks that are left with a reason")


def test_each_check_that_is_left_out_is_still_needed(failed: dict[str, set[tuple[str, str]]]) -> None:
    everything = set[tuple[str, str]]().union(*failed.values())
    for check, (who, _) in LEFT_OUT.items():
        names = {name for failing, name in everything if failing == check}
        assert names, check
        assert who in (EVERYONE, names), check
