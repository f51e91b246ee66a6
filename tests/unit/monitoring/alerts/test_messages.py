"""What people read: Prometheus fills in every text and link of an alert that fires."""

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
"""One case for each alert and the labels that it fires with: the texts are filled in from them."""


def burning() -> list[Case]:
    """One that burns, with a dataset, and a budget that is spent."""
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
    """What promtool shows of the alerts, in one run: nothing was expected, so it shows them all."""
    tests = [
        written(folder / f"{number}-{case.alert}.test.yaml", [only(folder, file, [case.alert])], [shown(case)])
        for file, cases in cases_by_file.items()
        for number, case in enumerate(cases)
    ]
    code, told = promtool(tests)
    assert code != 0, "nothing fired"
    return told


def shown(case: Case) -> dict[str, object]:
    return {
        "interval": "1m",
        "external_labels": LABELS,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [{"eval_time": case.at, "alertname": case.alert, "exp_alerts": []}],
    }


def test_every_text_and_link_is_filled_in(tmp_path: Path) -> None:
    firing = {**FIRING, "slos": burning()}
    told = messages(tmp_path, firing)
    assert "error expanding" not in told
    assert "no value" not in told
    assert "{{" not in told
    for cases in firing.values():
        assert cases
        for case in cases:
            assert f"https://runbooks.example/{runbook_name(case.alert)}.md" in told
    links = set(re.findall(r'dashboard_url=\\?"([^"\\]+)', told))
    assert links
    assert all(re.fullmatch(r"https://grafana\.example/d/anden-[a-z]+(\?var-\w+=[^=]+)?", link) for link in links), (
        links
    )


def test_a_burn_tells_how_fast_of_what_and_for_how_long(tmp_path: Path) -> None:
    told = messages(tmp_path, {"slos": burning()})
    assert "Records accepted of flights burns its budget 14.4 times too fast: readers of the dataset miss rows" in told
    assert "Over 1h it burned 20 times as fast as 99.5 % allows" in told
    assert "At that rate the budget of 30 days lasts 2.08 days." in told
    assert "Left of the budget of 30 days: -25%." in told
    assert "https://grafana.example/d/anden-ingest?var-dataset=flights" in told
