"""docs/slos.md describes exactly the objectives of the code."""

import re
from pathlib import Path

import pytest
import yaml

from apps.monitoring.alerts.burn import WINDOW_PAIRS
from apps.monitoring.alerts.slos import (
    API_WITHIN_S,
    INGEST_WITHIN_S,
    PERIOD,
    SLOS,
    WRITE_WITHIN_S,
    Slo,
    window_seconds,
)
from embedded.prometheus import KEPT

ROOT = Path(__file__).parents[4]
TEXT = (ROOT / "docs/slos.md").read_text(encoding="utf-8")
CHART = "kube-prometheus-stack"
ROW = re.compile(r"^\| \[([^\]]+)\]\(#([\w-]+)\) \| ([^|]+) \| ([\d.]+) % \| [^|]+ \| (\w+) \|$", re.MULTILINE)
PAIR_ROW = re.compile(r"^\| ([\d.]+) \| (\w+) \| (\w+) \| ([\d.]+) days \| (\w+) \|$", re.MULTILINE)
ONE_PAGE_LINES = 60


def section(slo: Slo) -> str:
    found = re.search(rf"^## {re.escape(slo.title)}\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
    assert found, slo.title
    return found[1]


def test_table_lists_each_objective_with_its_target_and_scope() -> None:
    documented = {title: (anchor, float(share), each) for title, anchor, _, share, each in ROW.findall(TEXT)}
    assert documented == {
        slo.title: (
            slo.title.lower().replace(" ", "-"),
            round(slo.objective * 100, 6),
            slo.by[0] if slo.by else "installation",
        )
        for slo in SLOS
    }


@pytest.mark.parametrize("slo", SLOS, ids=lambda slo: slo.name)
def test_each_objective_has_a_section_of_at_most_one_page(slo: Slo) -> None:
    text = section(slo)
    for words in ("**What counts.**", "**Why.**", "**Blind spots.**"):
        assert words in text
    assert len(text.splitlines()) <= ONE_PAGE_LINES


def test_bounds_of_the_table_match_the_code() -> None:
    good = {title: text for title, _, text, _, _ in ROW.findall(TEXT)}
    assert f"within {API_WITHIN_S:g} s" in good["API latency"]
    assert f"{INGEST_WITHIN_S:g} s" in good["Ingest freshness"]
    assert f"within {WRITE_WITHIN_S:g} s" in good["Database write time"]


def test_window_pairs_match_the_code() -> None:
    documented = [
        (float(factor), long, short, float(days), kind) for factor, long, short, days, kind in PAIR_ROW.findall(TEXT)
    ]
    assert documented == [
        (pair.factor, pair.long, pair.short, round(30 / pair.factor), pair.severity) for pair in WINDOW_PAIRS
    ]


def test_minimum_numbers_of_events_match_the_code() -> None:
    (documented,) = re.findall(r"large share: (.+)\.$", TEXT, re.MULTILINE)
    assert {int(number) for number in re.findall(r"\d+", documented)} == {slo.minimum_events for slo in SLOS}


def test_prometheus_retention_covers_the_budget_period() -> None:
    kept = [KEPT]
    for name in ("values.yaml", "values-prod.yaml"):
        values = yaml.safe_load((ROOT / "charts" / CHART / name).read_text(encoding="utf-8"))
        kept += filter(None, [values[CHART]["prometheus"]["prometheusSpec"].get("retention")])
    command = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["prometheus"]["command"]
    kept += [word.partition("=")[2] for word in command if word.startswith("--storage.tsdb.retention.time=")]
    assert len(kept) == 3
    assert [time for time in kept if window_seconds(time) < window_seconds(PERIOD)] == []
