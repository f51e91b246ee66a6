"""Stats of Overview distinguish zero from missing and errors from quiet, by promtool."""

from pathlib import Path
from typing import Final

import pytest

from apps.api.metrics import PROBE_CHECKS
from apps.api.metrics import REQUESTS as API_REQUESTS
from apps.ingest.metrics import FRESHNESS, LAG_RECORDS
from apps.monitoring.dashboards.definitions.overview import OVERVIEW
from apps.monitoring.dashboards.model import PanelQuery
from apps.monitoring.third_party_metrics import ALERTS
from tests.unit.monitoring.alerts.promtool import Question, labelled, run

AT: Final = "30m"
GOOD: Final = f"{API_REQUESTS.name}{labelled(status='2xx', operation='list')}"
FAILED: Final = f"{API_REQUESTS.name}{labelled(status='5xx', operation='list')}"
PASSED: Final = f"{PROBE_CHECKS.name}{labelled(check='page', outcome='passed')}"
CHECK_FAILED: Final = f"{PROBE_CHECKS.name}{labelled(check='page', outcome='failed')}"
MISSING: Final[dict[str, float]] = {}


def fresh(dataset: str) -> str:
    return f"{FRESHNESS.name}{labelled(dataset=dataset)}"


def waiting(dataset: str) -> str:
    return f"{LAG_RECORDS.name}{labelled(dataset=dataset)}"


def alert(name: str, state: str) -> str:
    return f"{ALERTS.name}{labelled(alertname=name, alertstate=state, severity='page')}"


CASES: Final[dict[str, tuple[str, dict[str, str], dict[str, float]]]] = {
    "error ratio is missing without requests": ("API error ratio", {}, MISSING),
    "error ratio is missing without recent requests": ("API error ratio", {GOOD: "9x60"}, MISSING),
    "error ratio is zero without failures": ("API error ratio", {GOOD: "0+60x60"}, {"{}": 0}),
    "one in ten requests failed": ("API error ratio", {GOOD: "0+90x60", FAILED: "0+10x60"}, {"{}": 0.1}),
    "failed checks are missing without a probe": ("Failed probe checks", {}, MISSING),
    "failed checks are zero if none failed": ("Failed probe checks", {PASSED: "0+1x60"}, {"{}": 0}),
    "failed checks are counted": ("Failed probe checks", {PASSED: "0+1x60", CHECK_FAILED: "0+1x60"}, {"{}": 10}),
    "a quiet topic is healthy for any time": (
        "Stalled ingest",
        {fresh("a"): "0+60x60", waiting("a"): "0x60"},
        {"{}": 0},
    ),
    "lag without commits is stalled ingest": (
        "Stalled ingest",
        {fresh("a"): "0+60x60", waiting("a"): "5x60", fresh("b"): "9000x60", waiting("b"): "0x60"},
        {"{}": 1_800},
    ),
    "stalled ingest is missing without ingest": ("Stalled ingest", {}, MISSING),
    "alerts are zero if none fires": ("Firing alerts", {}, {"{}": 0}),
    "firing alerts are counted, pending ones are not": (
        "Firing alerts",
        {alert("A", "firing"): "1x60", alert("B", "firing"): "1x60", alert("C", "pending"): "1x60"},
        {"{}": 2},
    ),
}


@pytest.mark.parametrize(("title", "series", "samples"), CASES.values(), ids=CASES)
def test_stat_shows(title: str, series: dict[str, str], samples: dict[str, float], tmp_path: Path) -> None:
    panel = next(each for each in OVERVIEW.panels if each.title == title)
    (target,) = panel.queries
    assert isinstance(target, PanelQuery)
    question = Question(target.query.text, AT, samples)
    assert run(tmp_path, [({"up": "1x60", **series}, [question])], files=["fleet-recordings"]) == ""
