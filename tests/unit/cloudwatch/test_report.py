"""The output of `manage.py cloudwatch plan` and `cost`."""

import datetime
from typing import Final

import pytest

from apps.cloudwatch.catalogue.catalogue import CATALOGUE
from apps.cloudwatch.catalogue.resources import Resources
from apps.cloudwatch.collector.batching import cycle_window
from apps.cloudwatch.collector.cost import month_forecast
from apps.cloudwatch.collector.queries import catalogue_queries
from apps.cloudwatch.collector.report import cost_lines, plan_lines, table

NOW_S: Final = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC).timestamp()
QUERIES: Final = catalogue_queries(
    CATALOGUE, Resources(kafka_cluster="anden", cluster="anden", functions=("notify", "resize"))
)


def test_resources_with_one_name_are_listed_by_kind() -> None:
    lines = list(plan_lines(QUERIES, window=cycle_window(NOW_S, period_s=60, cycle_s=300), cycle_s=300, budget_usd=25))
    named = [line.split()[:2] for line in lines[1 : lines.index("")] if not line.startswith(" ")]
    assert named == [["kafka", "anden"], ["function", "notify"], ["function", "resize"], ["cluster", "anden"]]


@pytest.mark.parametrize(
    ("spent", "budget_usd", "last"),
    [
        (150_000, 25.0, "Within budget."),
        (150_000, 1.6, "The budget runs out on 2026-11-25 21:20 UTC. Raise it, or collect less often."),
        (150_000, 1.5, "Budget spent: collection resumes on 2026-12-01 00:00 UTC."),
    ],
)
def test_cost_ends_with_the_state_of_the_budget(spent: int, budget_usd: float, last: str) -> None:
    expected = month_forecast(spent, metrics=len(QUERIES), cycle_s=300, budget_usd=budget_usd, now_s=NOW_S)
    lines = list(cost_lines(QUERIES, expected, calls=4_000, budget_usd=budget_usd, now_s=NOW_S))
    assert lines[-3] == "November 2026: 150,000 metrics requested in 4,000 calls, 1.50 USD."
    assert lines[-1] == last
    assert lines[-2].startswith("Forecast: " if last == "Within budget." else "Without a budget: ")
    requested = sum(int(line.split()[3].replace(",", "")) for line in lines[1 : lines.index("")])
    assert requested == expected.until_end


def test_a_budget_of_zero_gives_no_forecast() -> None:
    expected = month_forecast(0, metrics=17, cycle_s=300, budget_usd=0.0, now_s=NOW_S)
    lines = list(cost_lines(QUERIES, expected, calls=0, budget_usd=0.0, now_s=NOW_S))
    assert lines[-2].startswith("Without a budget: ")
    assert lines[-2].endswith(" The budget caps the month at 0.00 of 0.00 USD.")


def test_numbers_in_a_table_are_right_aligned() -> None:
    assert list(table(("name", "metrics"), [("a", "1,000"), ("longer", "2")])) == [
        "name    metrics",
        "a         1,000",
        "longer        2",
    ]
