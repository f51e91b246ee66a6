"""The figures of Station tell zero from nothing known, and trouble from quiet: asked of Prometheus's own engine."""

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
GOOD: Final = f"{API_REQUESTS.name}{labelled(status='2xx', operation='page')}"
FAILED: Final = f"{API_REQUESTS.name}{labelled(status='5xx', operation='page')}"
HELD: Final = f"{PROBE_CHECKS.name}{labelled(check='page', outcome='passed')}"
BROKE: Final = f"{PROBE_CHECKS.name}{labelled(check='page', outcome='failed')}"
NOTHING: Final[dict[str, float]] = {}


def fresh(dataset: str) -> str:
    return f"{FRESHNESS.name}{labelled(dataset=dataset)}"


def waiting(dataset: str) -> str:
    return f"{LAG_RECORDS.name}{labelled(dataset=dataset)}"


def alert(name: str, state: str) -> str:
    return f"{ALERTS.name}{labelled(alertname=name, alertstate=state, severity='page')}"


CASES: Final[dict[str, tuple[str, dict[str, str], dict[str, float]]]] = {
    "no request is no error ratio": ("API errors", {}, NOTHING),
    "no request lately is none either": ("API errors", {GOOD: "9x60"}, NOTHING),
    "requests without a failure are zero": ("API errors", {GOOD: "0+60x60"}, {"{}": 0}),
    "one in ten failed": ("API errors", {GOOD: "0+90x60", FAILED: "0+10x60"}, {"{}": 0.1}),
    "without a probe nothing is known": ("Failed probes", {}, NOTHING),
    "a probe that never failed is zero": ("Failed probes", {HELD: "0+1x60"}, {"{}": 0}),
    "a probe that fails is counted": ("Failed probes", {HELD: "0+1x60", BROKE: "0+1x60"}, {"{}": 10}),
    "a quiet topic is well, however long": (
        "Records left waiting",
        {fresh("a"): "0+60x60", waiting("a"): "0x60"},
        {"{}": 0},
    ),
    "records that wait while nothing is committed are not": (
        "Records left waiting",
        {fresh("a"): "0+60x60", waiting("a"): "5x60", fresh("b"): "9000x60", waiting("b"): "0x60"},
        {"{}": 1_800},
    ),
    "nothing ingested is nothing known": ("Records left waiting", {}, NOTHING),
    "no alert is zero": ("Firing alerts", {}, {"{}": 0}),
    "alerts that fire are counted, pending ones are not": (
        "Firing alerts",
        {alert("A", "firing"): "1x60", alert("B", "firing"): "1x60", alert("C", "pending"): "1x60"},
        {"{}": 2},
    ),
}


@pytest.mark.parametrize(("title", "series", "samples"), CASES.values(), ids=CASES)
def test_a_figure_says(title: str, series: dict[str, str], samples: dict[str, float], tmp_path: Path) -> None:
    panel = next(each for each in OVERVIEW.panels if each.title == title)
    (target,) = panel.queries
    assert isinstance(target, PanelQuery)
    question = Question(target.query.text, AT, samples)
    assert run(tmp_path, [({"up": "1x60", **series}, [question])], files=["fleet-recordings"]) == ""
