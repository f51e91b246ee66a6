"""The guide matches the code: its costs, its IAM policy, its fleet example."""

import json
import math
import re
from pathlib import Path
from typing import Final

import yaml

from apps.cloudwatch.collector.cost import forecast, usd
from apps.fleet.sources.cloudwatch_signals import parse_fleet_metrics

ROOT: Final = Path(__file__).resolve().parents[3]
GUIDE: Final = (ROOT / "docs/guides/cloudwatch.md").read_text(encoding="utf-8")
BOTO: Final = (ROOT / "apps/cloudwatch/client/boto.py").read_text(encoding="utf-8")


def test_the_cost_table_matches_the_code() -> None:
    rows = re.findall(r"^\| ([\d,]+) \| (\d+) \| ([\d,.]+) \| ([\d,.]+) \|$", GUIDE, re.MULTILINE)
    assert len(rows) == 5
    for cells in rows:
        metrics = int(cells[0].replace(",", ""))
        five, one = (f"{usd(forecast(metrics, cycle_s=cycle_s)):,.2f}" for cycle_s in (300, 60))
        assert cells[1:] == (str(math.ceil(metrics / 500)), five, one)


def test_the_policy_allows_exactly_the_actions_used() -> None:
    policy = json.loads(GUIDE.partition("```json\n")[2].partition("```")[0])
    actions = [action for one in policy["Statement"] for action in _listed(one["Action"])]
    assert sorted(actions) == sorted({f"cloudwatch:{name}" for name in re.findall(r'self\._call\(\s*"(\w+)"', BOTO)})


def test_the_fleet_example_is_valid() -> None:
    fleet = parse_fleet_metrics(yaml.safe_load(GUIDE.partition("```yaml\n")[2].partition("```")[0]))
    assert [name for name, _ in fleet.signals] == ["request_rate", "error_ratio", "latency_p95"]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
