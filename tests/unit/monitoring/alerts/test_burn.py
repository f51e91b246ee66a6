"""Burn rate alerts: which window pair fires, the minimum of events, and when the alert resolves."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from apps.monitoring.alerts.burn import MIN_BAD, WINDOW_PAIRS, WindowPair
from apps.monitoring.alerts.slos import BUDGET_REMAINING, EVENTS, SLOS, Slo, bad_count, burn, event_count
from tests.unit.monitoring.alerts.promtool import Case, Question, firing, labelled, run, run_cases


def _of(slo: Slo) -> dict[str, str]:
    return {"slo": slo.name, **dict.fromkeys(slo.by, "flights")}


def _recorded(slo: Slo, pair: WindowPair, *, long: float, short: float, events: float, bad: float) -> dict[str, str]:
    values = {
        burn(pair.long): long,
        burn(pair.short): short,
        event_count(pair.long): events,
        bad_count(pair.long): bad,
    }
    return {f"{metric.name}{labelled(**_of(slo))}": f"{value:g}x60" for metric, value in values.items()}


def _cases(slo: Slo, pair: WindowPair) -> list[Case]:
    """One case that fires and one per unmet condition, in the same order for each objective."""
    beyond, below = pair.factor * 1.01, pair.factor * 0.99
    enough = {"long": beyond, "short": beyond, "events": slo.minimum_events, "bad": MIN_BAD}
    lacking = {
        "the long window is fine": {**enough, "long": below},
        "the short window is fine": {**enough, "short": below},
        "too few events": {**enough, "events": slo.minimum_events - 1},
        "too few bad events": {**enough, "bad": MIN_BAD - 1},
    }
    expected = {**_of(slo), "severity": pair.severity, "window": pair.label}
    name, after = f"{slo.alert}ErrorBudgetBurn", f"{int(pair.for_.removesuffix('m')) + 1}m"
    fires = Case(name, f"{pair.label}, all conditions met", _recorded(slo, pair, **enough), after, (expected,))
    silent = [
        Case(name, f"{pair.label}, {why}", _recorded(slo, pair, **values), after) for why, values in lacking.items()
    ]
    return [fires, *silent]


def _together(cases: Iterable[Case]) -> tuple[dict[str, str], list[Question]]:
    """Cases of different objectives in one evaluation: the label `slo` keeps them apart."""
    cases = list(cases)
    series = {name: values for case in cases for name, values in case.series.items()}
    assert len(series) == sum(len(case.series) for case in cases)
    return series, [firing(case) for case in cases]


def test_burn_alert_fires_with_its_windows_and_not_if_one_condition_is_unmet(tmp_path: Path) -> None:
    tests = [
        _together(cases) for pair in WINDOW_PAIRS for cases in zip(*(_cases(slo, pair) for slo in SLOS), strict=True)
    ]
    assert len(tests) == 5 * len(WINDOW_PAIRS)
    assert run(tmp_path, tests, files=["slos"], alerts=[f"{slo.alert}ErrorBudgetBurn" for slo in SLOS]) == ""


def test_slo_data_missing_fires_only_without_events(tmp_path: Path) -> None:
    # Each objective is absent alone and together with others; otherwise it has events, or a count of zero.
    tests = []
    for absent in (*((slo,) for slo in SLOS), SLOS[::2], SLOS[1::2]):
        others = [slo for slo in SLOS if slo not in absent]
        series = {f"{EVENTS.name}{labelled(slo=slo.name)}": f"{number % 2}x60" for number, slo in enumerate(others)}
        fires = tuple({"slo": slo.name, "severity": "ticket"} for slo in absent)
        why = f"without {', '.join(slo.name for slo in absent)}"
        tests.append((series, [firing(Case("SloDataMissing", why, series, "40m", fires))]))
    for quiet in ("0x60", "1x60"):
        series = {f"{EVENTS.name}{labelled(slo=slo.name)}": quiet for slo in SLOS}
        tests.append((series, [firing(Case("SloDataMissing", f"all count {quiet}", series, "40m"))]))
    assert run(tmp_path, tests, files=["slos"], alerts=["SloDataMissing"]) == ""


def test_exhausted_budget_fires_unless_there_are_too_few_bad_events(tmp_path: Path) -> None:
    def series(left: float, bad: float) -> dict[str, str]:
        of = labelled(slo="rejects", dataset="flights")
        return {f"{BUDGET_REMAINING.name}{of}": f"{left}x90", f"{bad_count('30d').name}{of}": f"{bad}x90"}

    label = {"slo": "rejects", "dataset": "flights", "severity": "ticket"}
    spent = Case("ErrorBudgetExhausted", "overspent", series(-0.2, 9000), "80m", (label,))
    left = Case("ErrorBudgetExhausted", "a tenth remains", series(0.1, 9000), "80m")
    first = Case("ErrorBudgetExhausted", "one failure on the first day", series(-3, 1), "80m")
    assert run_cases(tmp_path, {"slos": [spent, left, first]}) == ""


# From raw counters to the alert: 60 requests a minute.
FINE = 'anden_api_requests_total{dataset="flights",operation="list",status="2xx"}'
FAILED = 'anden_api_requests_total{dataset="flights",operation="list",status="5xx"}'
COUNTER_TO_ALERT = ["recordings", "slos"]
BURN = ["ApiAvailabilityErrorBudgetBurn"]
FIRED = {"slo": "api-availability", "severity": "page", "window": "1h/5m"}


def _availability(at: str, fires: bool) -> Question:
    alert = 'alertname="ApiAvailabilityErrorBudgetBurn",alertstate="firing",window="1h/5m"'
    labels = labelled(alertname="ApiAvailabilityErrorBudgetBurn", alertstate="firing", **FIRED)
    return Question(f"ALERTS{{{alert}}}", at, {f"ALERTS{labels}": 1.0} if fires else {})


def test_failures_page_within_minutes_and_the_alert_resolves_soon_after(tmp_path: Path) -> None:
    series = {FINE: "0+60x150", FAILED: "0x30 2+2x30 62x90"}  # one in thirty fails from minute 31 to 61
    questions = [_availability("30m", False), _availability("1h", True), _availability("1h10m", False)]
    assert run(tmp_path, [(series, questions)], files=COUNTER_TO_ALERT, alerts=BURN) == ""


def test_too_few_requests_do_not_page_even_if_all_fail(tmp_path: Path) -> None:
    # Two in three minutes: 40 an hour, below the minimum of 50. The probe covers quiet installations.
    series = {FAILED: "0 0 2 2 2 4 4 4 6 6 6 8 8 8 10 10 10 12 12 12 14 14 14 16 16 16 18 18 18 20 20 20"}
    assert run(tmp_path, [(series, [_availability("30m", False)])], files=COUNTER_TO_ALERT, alerts=BURN) == ""


def test_error_ratio_is_zero_if_a_class_of_failure_never_occurred(tmp_path: Path) -> None:
    ratio = 'anden:slo_errors:ratio1h{slo="api-availability"}'
    question = Question(ratio, "1h", {ratio: 0.0})
    assert run(tmp_path, [({FINE: "0+60x70"}, [question])], files=["recordings"]) == ""


def test_error_ratio_is_absent_without_events(tmp_path: Path) -> None:
    question = Question('anden:slo_errors:ratio1h{slo="api-availability"}', "1h")
    assert run(tmp_path, [({FINE: "7x70"}, [question])], files=["recordings"]) == ""


def test_late_dataset_alerts_alone_and_only_while_lag_is_measured(tmp_path: Path) -> None:
    late, fine, measured = (
        'anden_ingest_lag_seconds{dataset="flights"}',
        'anden_ingest_lag_seconds{dataset="weather"}',
        "anden_ingest_lag_measured_bool",
    )
    labels = {"slo": "ingest-freshness", "dataset": "flights", "severity": "page", "window": "1h/5m"}
    only = 'ALERTS{alertname="IngestFreshnessErrorBudgetBurn",alertstate="firing",window="1h/5m"}'
    fired = labelled(alertname="IngestFreshnessErrorBudgetBurn", alertstate="firing", **labels)
    lag = {late: "120x60", fine: "5x60"}
    seen = Question(only, "30m", {f"ALERTS{fired}": 1.0})
    blind = Question(only, "30m")
    unmeasured = firing(Case("IngestLagMissing", "", {}, "30m", ({"severity": "page"},)))
    tests = [({**lag, measured: "1x60"}, [seen]), ({**lag, measured: "0x60"}, [blind, unmeasured])]
    alerts = ["IngestFreshnessErrorBudgetBurn", "IngestLagMissing"]
    assert run(tmp_path, tests, files=[*COUNTER_TO_ALERT, "ingest"], alerts=alerts) == ""


@pytest.mark.parametrize(
    ("held_s", "is_late"), [("0+60x60", 1.0), (" ".join(["0+60x9"] * 6), 0.0), (" ".join(["NaN"] * 61), 0.0)]
)
def test_a_dataset_behind_a_hanging_transaction_is_late_without_any_lag(
    tmp_path: Path, held_s: str, is_late: float
) -> None:
    series = {
        'anden_ingest_lag_seconds{dataset="flights"}': "0x60",
        'anden_ingest_held_back_seconds{dataset="flights"}': held_s,
        "anden_ingest_lag_measured_bool": "1x60",
    }
    question = Question("anden:ingest_late:bool", "40m", {'anden:ingest_late:bool{dataset="flights"}': is_late})
    assert run(tmp_path, [(series, [question])], files=["recordings"]) == ""


def test_event_counts_and_budget_match_the_counters(tmp_path: Path) -> None:
    # 60 per minute for three hours, one in a thousand fails: exactly what the objective allows.
    series = {FINE: "0+59.94x180", FAILED: "0+0.06x180"}
    slo = '{slo="api-availability"}'
    questions = [
        Question(f"round(anden:slo_events:count1h{slo}, 100)", "3h", {slo: 3600}),
        Question(f"round(anden:slo_burn_rate:ratio6h{slo}, 0.01)", "3h", {slo: 1}),
        Question(f"round(anden:slo_burn_rate:ratio1d{slo}, 0.01)", "3h", {slo: 1}),
        Question(f"round(anden:slo_budget_remaining:ratio30d{slo}, 0.01)", "3h", {slo: 0}),
    ]
    assert run(tmp_path, [(series, questions)], files=["recordings"]) == ""
