"""Event counts and budgets match the counters from the first minutes of an outage."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.monitoring.backfill import SCRAPED_S, Past, past

FINE = 'anden_api_requests_total{operation="list",client_class="p",status="2xx"}'
FAILED = 'anden_api_requests_total{operation="list",client_class="p",status="5xx"}'
SLO = '{slo="api-availability"}'
HOUR_S = 3_600


def counter(hours: float, per_s: Callable[[float], float]) -> list[float | None]:
    """Scraped values of a counter with this rate, in whole numbers."""
    total = 0.0
    found: list[float | None] = []
    for number in range(int(hours * HOUR_S / SCRAPED_S)):
        total += per_s(number * SCRAPED_S) * SCRAPED_S
        found.append(float(int(total + 1e-6)))
    return found


@pytest.fixture(autouse=True)
def programs(require: Callable[[str], str]) -> None:
    require("prometheus")


def counted(seen: Past, name: str, window: str, at_s: float) -> float:
    found = seen.value(f"anden:slo_{name}:count{window}{SLO}", at_s)
    assert found is not None, (name, window, at_s)
    return found


LAG_S = 7 * 60
"""The rate window plus one step: by then an event is counted in full."""
BEHIND_S = 5 * 60
"""How far a count may lag during an event: half the rate window, a step, and the time until the next."""
WINDOWS = ("6h", "1d", "3d", "30d")


def test_rules_are_evaluated_as_often_as_in_a_running_prometheus(tmp_path: Path) -> None:
    with past(tmp_path, {FINE: counter(2, lambda _: 1)}, slo="api-availability") as seen:
        evaluated = {
            name: seen.value(f"count_over_time(anden:slo_events:{name}{SLO}[1h])", 2 * HOUR_S - 60)
            for name in ("rate5m", "count1h", "count2m", "count30d")
        }
    assert evaluated == {"rate5m": 120, "count1h": 120, "count2m": 30, "count30d": 30}


def test_total_outage_of_a_quiet_installation(tmp_path: Path) -> None:
    """One request per two minutes for eight hours; then all fail."""
    outage_s = 8 * HOUR_S
    fine = counter(9, lambda at: 1 / 120 if at < outage_s else 0)
    failed = counter(9, lambda at: 1 / 120 if at >= outage_s else 0)
    # Minus the allowed lag and the one request somewhere within its two minutes.
    least = (40 * 60 - BEHIND_S) / 120 - 1
    with past(tmp_path, {FINE: fine, FAILED: failed}, slo="api-availability") as seen:
        for window in WINDOWS:
            assert counted(seen, "bad", window, outage_s + 17 * 60) >= 5, window
            assert least <= counted(seen, "bad", window, outage_s + 40 * 60) <= 20.5, window
        # Twenty of 260 events are bad, 77 times the budget; the last ones are not counted yet.
        left = seen.value(f"anden:slo_budget_remaining:ratio30d{SLO}", outage_s + 40 * 60)
        assert left is not None
        assert -78 <= left <= 1 - least / 0.26


def test_burst_on_a_young_installation(tmp_path: Path) -> None:
    """Twenty minutes old, ten requests per second; for four minutes one in twelve fails."""

    def failing(at: float) -> float:
        return 10 / 12 if 15 * 60 <= at < 19 * 60 else 0

    series = {FINE: counter(0.6, lambda at: 10 - failing(at)), FAILED: counter(0.6, failing)}
    with past(tmp_path, series, slo="api-availability") as seen:
        for window in WINDOWS:
            bad, events = (counted(seen, name, window, 19 * 60 + LAG_S) for name in ("bad", "events"))
            assert bad == pytest.approx(200, rel=0.05), window
            assert 10 * (19 * 60 + LAG_S - BEHIND_S) <= events <= 10 * (19 * 60 + LAG_S), window
        # During the burst, the minimum of fifty events is far exceeded.
        assert counted(seen, "events", "6h", 16 * 60) > 5_000


def test_outage_that_spends_the_budget_is_counted_in_full_when_it_ends(tmp_path: Path) -> None:
    """One request per second; all fail for the 43 minutes that 99.9 % allows in thirty days."""
    begins_s, ends_s = 3 * HOUR_S, 3 * HOUR_S + 43 * 60

    def failing(at: float) -> float:
        return 1 if begins_s <= at < ends_s else 0

    series = {FINE: counter(4, lambda at: 1 - failing(at)), FAILED: counter(4, failing)}
    with past(tmp_path, series, slo="api-availability") as seen:
        for minutes in (10, 20, 43):
            now_s = begins_s + minutes * 60
            truth = minutes * 60
            for window in WINDOWS:
                assert truth - BEHIND_S <= counted(seen, "bad", window, now_s) <= truth, (window, minutes)
        after_s = ends_s + LAG_S
        assert counted(seen, "bad", "30d", after_s) == pytest.approx(43 * 60, rel=0.02)
        left = seen.value(f"anden:slo_budget_remaining:ratio30d{SLO}", after_s)
        assert left == pytest.approx(1 - 43 * 60 / after_s / 0.001, rel=0.04)


def test_restarts_and_scrape_gaps_add_no_events_and_lose_few(tmp_path: Path) -> None:
    """A process that restarts every twenty minutes, and two minutes without scrapes."""
    steady = counter(3, lambda _: 2)
    restarted = [value % 2_400 if value is not None else None for value in steady]
    gap = range(2 * HOUR_S // SCRAPED_S, (2 * HOUR_S + 120) // SCRAPED_S)
    scraped = [None if number in gap else value for number, value in enumerate(restarted)]
    with past(tmp_path, {FINE: scraped}, slo="api-availability") as seen:
        for window in WINDOWS:
            assert counted(seen, "events", window, 3 * HOUR_S - 60) == pytest.approx(2 * 3 * HOUR_S, rel=0.05), window
            assert counted(seen, "bad", window, 3 * HOUR_S - 60) == 0


def test_no_events_are_invented_without_scrapes(tmp_path: Path) -> None:
    """An hour without scrapes: events before and after count, none in between, and no budget is spent."""
    before, after = counter(1, lambda _: 2), counter(1, lambda _: 2)
    away: list[float | None] = [None] * (HOUR_S // SCRAPED_S)
    series = {FINE: [*before, *away, *((value or 0) + 7_200 for value in after)]}
    with past(tmp_path, series, slo="api-availability") as seen:
        assert counted(seen, "events", "30d", 3 * HOUR_S - 60) == pytest.approx(2 * 2 * HOUR_S, rel=0.06)
        assert seen.value(f"anden:slo_budget_remaining:ratio30d{SLO}", 3 * HOUR_S - 60) == 1
