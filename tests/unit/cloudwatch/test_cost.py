"""The forecast of a month's cost, and when the budget runs out."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.cloudwatch.collector.cost import affordable, forecast, month_end_s, month_forecast, month_of, usd


def moment(*parts: int) -> float:
    return datetime.datetime(*parts, tzinfo=datetime.UTC).timestamp()  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(("services", "dollars"), [(50, 52), (1_000, 1_037), (10_000, 10_368)])
def test_twelve_metrics_per_service_every_five_minutes_cost_the_list_price(services: int, dollars: int) -> None:
    assert round(usd(forecast(12 * services, cycle_s=300))) == dollars


@given(metrics=st.integers(1, 20_000), cycle_s=st.integers(60, 3_600), day=st.integers(1, 31), hour=st.integers(0, 23))
def test_the_forecast_is_within_one_per_cent_of_what_a_collector_requests(
    metrics: int, cycle_s: int, day: int, hour: int
) -> None:
    now_s = moment(2026, 12, min(day, 15), hour)
    requested, at_s = 0, now_s
    while at_s < moment(2027, 1, 1):
        requested += metrics
        at_s += cycle_s
    expected = month_forecast(0, metrics=metrics, cycle_s=cycle_s, budget_usd=1e9, now_s=now_s)
    assert abs(expected.until_end - requested) <= requested / 100
    assert expected.stops_s is None


@given(budget_usd=st.floats(0, 10_000))
def test_affordable_metrics_never_cost_more_than_the_budget(budget_usd: float) -> None:
    assert usd(affordable(budget_usd)) <= budget_usd + 1e-9
    assert usd(affordable(budget_usd) + 1) > budget_usd - 1e-9


def test_the_budget_stops_the_month_when_it_is_used_up() -> None:
    now_s = moment(2026, 11, 10)
    expected = month_forecast(90_000, metrics=100, cycle_s=300, budget_usd=1.0, now_s=now_s)
    assert expected.stops_s == now_s + 100 * 300
    assert expected.usd == 1.0
    spent = month_forecast(100_000, metrics=100, cycle_s=300, budget_usd=1.0, now_s=now_s)
    assert spent.stops_s == now_s


def test_months_are_calendar_months_in_utc() -> None:
    assert month_of(moment(2026, 11, 30, 23, 59, 59)) == datetime.date(2026, 11, 1)
    assert month_of(moment(2026, 12, 1)) == datetime.date(2026, 12, 1)
    assert month_end_s(datetime.date(2026, 12, 1)) == moment(2027, 1, 1)
    assert month_end_s(datetime.date(2028, 2, 1)) == moment(2028, 3, 1)
