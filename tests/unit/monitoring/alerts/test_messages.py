"""Prometheus expands every text and link of a firing alert."""

import re
from pathlib import Path

from apps.monitoring.alerts.alert import runbook_name
from apps.monitoring.alerts.burn import MIN_BAD, WINDOW_PAIRS
from apps.monitoring.alerts.slos import BUDGET_REMAINING, SLO_BY_NAME, bad_count, burn, event_count
from tests.unit.monitoring.alerts.promtool import Case, labelled, only, promtool, written
from tests.unit.monitoring.alerts.thresholds import CASES_BY_FILE

LABELS = {"grafana": "https://grafana.example", "runbooks": "https://runbooks.example"}
FIRING = {
    name: [*{(case.alert, str(case.fires)): case for case in cases if case.fires}.values()]
    for name, cases in CASES_BY_FILE.items()
}
"""One case per alert and set of labels, from which the texts are expanded."""


def burning() -> list[Case]:
    """A burn alert with a dataset, an exhausted budget, and missing data."""
    slo, pair = SLO_BY_NAME["rejects"], WINDOW_PAIRS[0]
    of = labelled(slo=slo.name, dataset="flights")
    values = {
        burn(pair.long): 20,
        burn(pair.short): 20,
        event_count(pair.long): slo.minimum_events,
        bad_count(pair.long): MIN_BAD,
    }
    spent = {f"{BUDGET_REMAINING.name}{of}": "-0.25x90", f"{bad_count('30d').name}{of}": "9000x90"}
    return [
        Case(
            "IngestRejectsErrorBudgetBurn",
            "",
            {f"{metric.name}{of}": f"{value}x60" for metric, value in values.items()},
            "10m",
        ),
        Case("ErrorBudgetExhausted", "", spent, "80m"),
        Case("SloDataMissing", "", {}, "40m"),
    ]


def messages(folder: Path, cases_by_file: dict[str, list[Case]]) -> str:
    """promtool's output, which lists all alerts because none are expected."""
    tests = [
        written(folder / f"{number}-{case.alert}.test.yaml", [only(folder, file, [case.alert])], [rule_test(case)])
        for file, cases in cases_by_file.items()
        for number, case in enumerate(cases)
    ]
    code, output = promtool(tests)
    assert code != 0, "nothing fired"
    return output


def rule_test(case: Case) -> dict[str, object]:
    return {
        "interval": "1m",
        "external_labels": LABELS,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [{"eval_time": case.at, "alertname": case.alert, "exp_alerts": []}],
    }


def test_every_text_and_link_is_expanded(tmp_path: Path) -> None:
    firing = {**FIRING, "slos": burning()}
    output = messages(tmp_path, firing)
    assert "error expanding" not in output
    assert "no value" not in output
    assert "{{" not in output
    for cases in firing.values():
        assert cases
        for case in cases:
            assert f"https://runbooks.example/{runbook_name(case.alert)}.md" in output
    links = set(re.findall(r'dashboard_url=\\?"([^"\\]+)', output))
    assert links
    assert all(re.fullmatch(r"https://grafana\.example/d/anden-[a-z]+(\?var-\w+=[^=]+)?", link) for link in links), (
        links
    )


def test_burn_alert_names_the_rate_the_dataset_and_the_remaining_time(tmp_path: Path) -> None:
    output = messages(tmp_path, {"slos": burning()})
    assert (
        "Records accepted of flights burns its error budget 14.4 times too fast: readers of the dataset miss rows"
        in output
    )
    assert "Over 1h it burned 20 times as fast as 99.5 % allows" in output
    assert "At 14.4 times, the 30-day budget lasts 2.08 days." in output
    assert "Left of the 30-day budget: -25%." in output
    assert "https://grafana.example/d/anden-ingest?var-dataset=flights" in output
