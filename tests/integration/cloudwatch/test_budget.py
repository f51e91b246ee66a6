"""The contract of the request budget, in PostgreSQL and in memory."""

import datetime
from collections.abc import Iterator

import pytest

from apps.cloudwatch.client.budget import DatabaseRequestBudget, MemoryRequestBudget
from apps.cloudwatch.errors import BudgetSpent
from apps.cloudwatch.models import CloudWatchMonth

Counts = dict[datetime.date, tuple[int, int]]
NOVEMBER, DECEMBER = datetime.date(2026, 11, 1), datetime.date(2026, 12, 1)


def at(month: int, day: int, hour: int = 0) -> float:
    return datetime.datetime(2026, month, day, hour, tzinfo=datetime.UTC).timestamp()


@pytest.fixture(params=["memory", "database"])
def budget(request: pytest.FixtureRequest) -> Iterator[MemoryRequestBudget | DatabaseRequestBudget]:
    """A budget of 1,000 metrics a month."""
    if request.param == "memory":
        yield MemoryRequestBudget(0.01)
    else:
        request.getfixturevalue("station")
        yield DatabaseRequestBudget(0.01)


def counts(budget: MemoryRequestBudget | DatabaseRequestBudget) -> Counts:
    if isinstance(budget, MemoryRequestBudget):
        return {month: (metrics, budget.calls.get(month, 0)) for month, metrics in budget.requested.items()}
    return {row.month: (row.metrics_requested, row.calls) for row in CloudWatchMonth.objects.all()}


def test_each_reservation_is_a_call_and_its_metrics(budget: MemoryRequestBudget | DatabaseRequestBudget) -> None:
    for metrics in (500, 1, 499):
        budget.reserve(metrics, now_s=at(11, 24))
    assert counts(budget) == {NOVEMBER: (1_000, 3)}


def test_a_reservation_over_budget_raises_and_is_not_counted(
    budget: MemoryRequestBudget | DatabaseRequestBudget,
) -> None:
    budget.reserve(900, now_s=at(11, 24))
    with pytest.raises(BudgetSpent, match=r"November 2026 is spent: 900 metrics, 0\.01 of 0\.01 USD"):
        budget.reserve(101, now_s=at(11, 24))
    budget.reserve(100, now_s=at(11, 24))
    assert counts(budget) == {NOVEMBER: (1_000, 2)}


def test_each_month_has_its_own_budget_also_when_the_clock_jumps_back(
    budget: MemoryRequestBudget | DatabaseRequestBudget,
) -> None:
    budget.reserve(1_000, now_s=at(11, 30, 23))
    budget.reserve(600, now_s=at(12, 1))
    with pytest.raises(BudgetSpent, match="November 2026"):
        budget.reserve(1, now_s=at(11, 30, 23))
    budget.reserve(400, now_s=at(12, 1))
    assert counts(budget) == {NOVEMBER: (1_000, 1), DECEMBER: (1_000, 2)}


def test_a_refund_goes_to_the_month_of_the_reservation(
    budget: MemoryRequestBudget | DatabaseRequestBudget,
) -> None:
    budget.reserve(600, now_s=at(11, 30, 23))
    budget.reserve(400, now_s=at(11, 30, 23))
    budget.reserve(1, now_s=at(12, 1))
    budget.refund(400, reserved_s=at(11, 30, 23))
    assert counts(budget) == {NOVEMBER: (600, 1), DECEMBER: (1, 1)}
    budget.reserve(400, now_s=at(11, 30, 23))
    assert counts(budget)[NOVEMBER] == (1_000, 2)


def test_series_found_by_a_search_are_charged_even_over_budget(
    budget: MemoryRequestBudget | DatabaseRequestBudget,
) -> None:
    budget.reserve(1, now_s=at(11, 24))
    budget.charge_extra(1_500, now_s=at(11, 24))
    assert counts(budget) == {NOVEMBER: (1_501, 1)}
    with pytest.raises(BudgetSpent):
        budget.reserve(1, now_s=at(11, 24))
    budget.charge_extra(7, now_s=at(12, 1))  # the month changed during the call
    assert counts(budget)[DECEMBER][0] == 7
