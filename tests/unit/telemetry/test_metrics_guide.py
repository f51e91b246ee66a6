"""docs/guides/metrics.md lists every declared metric with its kind and labels, and no other."""

import re
from pathlib import Path

from tests.unit.telemetry.test_metric import declared

GUIDE = Path(__file__).resolve().parents[3] / "docs/guides/metrics.md"
ROW = re.compile(r"^\| `(anden_\w+)` \| (\w+) \| ([^|]+) \|", re.MULTILINE)


def test_the_guides_table_matches_the_declared_metrics() -> None:
    listed = {name: (kind, labels.strip()) for name, kind, labels in ROW.findall(GUIDE.read_text(encoding="utf-8"))}
    assert listed == {metric.name: (metric.kind, ", ".join(metric.labels) or "–") for metric in declared()}
