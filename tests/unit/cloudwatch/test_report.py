"""What a person reads of plans and costs."""

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


def test_two_resources_of_one_name_are_two_resources() -> None:
    lines = list(plan_lines(QUERIES, window=cycle_window(NOW_S, period_s=60, cycle_s=300), cycle_s=300, budget_usd=25))
    named = [line.split()[:2] for line in lines[1 : lines.index("")] if not line.startswith(" ")]
    assert named == [["kafka", "anden"], ["function", "notify"], ["function", "resize"], ["cluster", "anden"]]


@pytest.mark.parametrize(
    ("spent", "budget_usd", "last"),
    [
        (150_000, 25.0, "the budget lasts"),
        (150_000, 1.6, "the budget stops collection on 2026-11-25 21:20 UTC: raise it, or ask less often"),
        (150_000, 1.5, "the budget is spent: collection stands still until 2026-12-01 00:00 UTC"),
    ],
)
def test_the_costs_end_with_what_becomes_of_the_budget(spent: int, budget_usd: float, last: str) -> None:
    expected = month_forecast(spent, metrics=len(QUERIES), cycle_s=300, budget_usd=budget_usd, now_s=NOW_S)
    lines = list(cost_lines(QUERIES, expected, calls=4_000, budget_usd=budget_usd, now_s=NOW_S))
    assert lines[-3] == "November 2026: 150,000 metrics requested in 4,000 calls, 1.50 USD"
    assert lines[-1] == last
    assert lines[-2].startswith("expected" if last == "the budget lasts" else "wanted")
    requested = sum(int(line.split()[3].replace(",", "")) for line in lines[1 : lines.index("")])
    assert requested == expected.until_end


def test_without_a_budget_what_is_wanted_is_not_said_to_be_expected() -> None:
    expected = month_forecast(0, metrics=17, cycle_s=300, budget_usd=0.0, now_s=NOW_S)
    lines = list(cost_lines(QUERIES, expected, calls=0, budget_usd=0.0, now_s=NOW_S))
    assert lines[-2].startswith("wanted until its end: ")
    assert lines[-2].endswith("; the budget of 0.00 USD ends it at 0.00 USD")


def test_a_table_has_its_numbers_under_one_another() -> None:
    assert list(table(("name", "metrics"), [("a", "1,000"), ("longer", "2")])) == [
        "name    metrics",
        "a         1,000",
        "longer        2",
    ]
