"""The catalogue is valid, and the guide's table matches it."""

import re
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from apps.cloudwatch.catalogue.catalogue import BY_KEY, CATALOGUE
from apps.cloudwatch.catalogue.metric import AwsMetric, Resource
from apps.cloudwatch.catalogue.statistics import is_statistic

GUIDE = Path(__file__).resolve().parents[3] / "docs/guides/cloudwatch.md"
ROW = re.compile(r"^\| `([a-z_]+)` \| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
UNITS = {"Seconds", "Milliseconds", "Percent", "Count", "Bytes", "Bytes/Second", "Count/Second"}


def test_keys_are_unique() -> None:
    assert [key for key, count in Counter(metric.key for metric in CATALOGUE).items() if count > 1] == []
    assert len(BY_KEY) == len(CATALOGUE)


def test_no_metric_has_two_keys() -> None:
    asked = Counter((metric.namespace, metric.name, frozenset(metric.dimensions)) for metric in CATALOGUE)
    assert [one for one, count in asked.items() if count > 1] == []


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.key)
def test_a_metric_can_be_requested_and_documented(metric: AwsMetric) -> None:
    assert metric.statistics
    assert all(is_statistic(word) for word in metric.statistics)
    assert metric.unit in UNITS
    assert metric.dimensions
    assert re.fullmatch(r"[A-Z].* .*\.", metric.caveat), "the caveat is not a sentence"
    assert re.fullmatch(r"[A-Z].*[^.]", metric.title), "the title has no capital or ends with a dot"


@pytest.mark.parametrize("resource", get_args(Resource))
def test_every_kind_of_resource_has_metrics(resource: str) -> None:
    assert [metric for metric in CATALOGUE if metric.resource == resource]


@pytest.mark.parametrize(
    ("word", "valid"),
    [
        ("Average", True),
        ("p95", True),
        ("p99.9", True),
        ("p100", True),
        ("p101", False),
        ("average", False),
        ("", False),
    ],
)
def test_only_cloudwatch_statistics_are_valid(word: str, *, valid: bool) -> None:
    assert is_statistic(word) is valid


def test_the_guides_table_matches_the_catalogue() -> None:
    documented = [tuple(cell.strip() for cell in row) for row in ROW.findall(GUIDE.read_text(encoding="utf-8"))]
    assert documented == [
        (m.key, f"{m.namespace} {m.name}", ", ".join(m.statistics), m.unit, ", ".join(m.dimensions), m.caveat)
        for m in CATALOGUE
    ]
