"""CloudWatch's limits and the budget: calls, rate, late points, percentiles, cost."""

import datetime
import math
import random

import pytest

from apps.cloudwatch.client.boto import BotoCloudWatch
from apps.cloudwatch.client.budget import MemoryRequestBudget
from apps.cloudwatch.collector.batching import POINTS_A_CALL, QueryWindow, cycle_window
from apps.cloudwatch.collector.cost import affordable, forecast, month_end_s, month_of, usd
from apps.cloudwatch.collector.queries import MetricQuery
from apps.cloudwatch.collector.rate_limit import TRIES
from apps.cloudwatch.errors import BudgetSpent
from apps.cloudwatch.services import CloudWatchCollector
from apps.telemetry.errors import SourceRefused, SourceThrottled, SourceUnavailable
from tests.contract.cloudwatch.clouds import Clock, UnavailableCloudWatch, asked, functions, metered, reached, show
from tests.fakes.cloudwatch.fake import CloudWatchFault, FakeCloudWatch

LAMBDA = "AWS/Lambda"


@pytest.fixture
def clock() -> Clock:
    return Clock(now_s=datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC).timestamp())


def collector(
    boto: BotoCloudWatch,
    clock: Clock,
    *,
    queries: tuple[MetricQuery, ...],
    budget: MemoryRequestBudget | None = None,
    cycle_s: float = 300,
) -> CloudWatchCollector:
    named = tuple(
        MetricQuery(("function_errors", query.statistic, query.labels[0]), *_rest(query)) for query in queries
    )
    return CloudWatchCollector(metered(boto, clock, budget), named, period_s=60, cycle_s=cycle_s, budget_usd=1)


def _rest(query: MetricQuery) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
    return query.namespace, query.name, query.dimensions, query.statistic


@pytest.mark.parametrize("count", [1, 499, 500, 501, 5_000])
def test_a_cycle_sends_a_call_for_each_five_hundred_metrics(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock, count: int
) -> None:
    window = cycle_window(clock(), period_s=60, cycle_s=300)
    budget = MemoryRequestBudget()
    asked(metered(boto, clock, budget), functions(count), window)
    show(f"M = {count:,}: {len(fake.asked)} calls, {fake.requested:,} metrics, {fake.throttled} throttled")
    assert len(fake.asked) == math.ceil(count / 500)
    assert fake.requested == count == sum(budget.requested.values())


def test_each_page_is_a_call_and_no_point_is_lost(fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock) -> None:
    fake.page_points = 100
    window = QueryWindow(int(clock()) - 3_600, int(clock()), 60)
    for number in range(7):
        for minute in range(60):
            fake.put(LAMBDA, "Errors", {"FunctionName": f"f{number}"}, window.start_s + 60 * minute, number + minute)
    found = asked(metered(boto, clock), functions(9), window)
    assert len(fake.asked) == math.ceil(7 * 60 / 100)
    assert found == {
        (f"f{number}",): [(window.start_s + 60 * minute, float(number + minute)) for minute in range(60)]
        for number in range(7)
    }


def test_two_hundred_calls_are_rate_limited_and_none_is_throttled(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    window = QueryWindow(int(clock()) - POINTS_A_CALL * 60, int(clock()), 60)  # a window of one metric per call
    begun_s = clock()
    asked(metered(boto, clock), functions(200), window)
    moments = [at_s for at_s, _ in fake.asked]
    fastest = max(sum(1 for other in moments if at_s <= other < at_s + 1) for at_s in moments)
    show(f"200 calls in {clock() - begun_s:.1f} s, {fastest} in the fullest second, {fake.throttled} throttled")
    assert (len(moments), fake.throttled) == (200, 0)
    assert fastest <= 50


def test_the_fake_throttles_the_fifty_first_call_of_a_second(fake: FakeCloudWatch, boto: BotoCloudWatch) -> None:
    for _ in range(50):
        boto.page(functions(1), start_s=0, end_s=60)
    with pytest.raises(SourceThrottled):
        boto.page(functions(1), start_s=0, end_s=60)


def test_a_throttled_call_is_retried_and_each_attempt_is_counted(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    fake.faults.append(CloudWatchFault("Throttling", calls=3))
    budget, begun_s = MemoryRequestBudget(), clock()
    asked(metered(boto, clock, budget), functions(600), cycle_window(clock(), period_s=60, cycle_s=300))
    assert [metrics for _, metrics in fake.asked] == [500, 500, 500, 500, 100]
    assert sum(budget.requested.values()) == 4 * 500 + 100
    assert sum(budget.calls.values()) == len(fake.asked)
    assert clock() - begun_s >= 0.25 + 0.5 + 1


def test_another_client_of_the_account_slows_collection_and_loses_no_point(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    window = QueryWindow(int(clock()) - POINTS_A_CALL * 60, int(clock()), 60)
    wanted = functions(120)
    for second in range(4):
        fake.asked.extend([(clock() + second + 0.01 * number, 1) for number in range(30)])
    answers = list(metered(boto, clock).fetch(wanted, window))
    show(f"120 calls next to another client's 30 per second: {fake.throttled} throttled, all answered")
    assert fake.throttled > 0
    assert [query for answer in answers for query in answer.queries] == list(wanted)
    assert fake.requested == 120
    assert sum(answer.sent for answer in answers) == 120 + fake.throttled


def test_a_failing_call_raises_after_all_attempts(fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock) -> None:
    fake.faults.append(CloudWatchFault("InternalServiceError", status=500, calls=100))
    with pytest.raises(SourceUnavailable, match="try again later"):
        asked(metered(boto, clock), functions(1), cycle_window(clock(), period_s=60, cycle_s=300))
    assert len(fake.asked) == TRIES


def test_a_refused_call_is_not_retried(fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock) -> None:
    fake.denied.add("GetMetricData")
    with pytest.raises(SourceRefused, match="IAM action cloudwatch:GetMetricData"):
        asked(metered(boto, clock), functions(1_000), cycle_window(clock(), period_s=60, cycle_s=300))
    assert (fake.asked, fake.calls["GetMetricData"]) == ([], 0)


def test_percentiles_are_those_of_the_observations(fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock) -> None:
    at_s = int(clock()) - 60
    fake.put(LAMBDA, "Duration", {"FunctionName": "f0"}, at_s, *range(1, 101))
    wanted = {"p50": 50.5, "p95": 95.05, "p99": 99.01, "Average": 50.5, "Sum": 5050, "Maximum": 100, "Minimum": 1}
    window = QueryWindow(at_s, at_s + 60, 60)
    for statistic, value in wanted.items():
        found = asked(metered(boto, clock), functions(1, statistic=statistic, name="Duration"), window)
        ((moment_s, observed),) = found["f0",]
        assert moment_s == at_s
        assert observed == pytest.approx(value), statistic


def test_points_up_to_ten_minutes_late_are_collected_once(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    begun_s = int(clock())
    chance = random.Random(26)  # noqa: S311 - seeded, so that a failure can be reproduced
    delays = [chance.choice([30, 90, 200, 400, 600]) for _ in range(60)]
    for minute, delay in enumerate(delays):
        at_s = begun_s + 60 * minute
        fake.put(LAMBDA, "Errors", {"FunctionName": "f0"}, at_s, float(minute), visible_s=at_s + 60 + delay)
    fake.put(LAMBDA, "Errors", {"FunctionName": "f0"}, begun_s + 30, 1_000.0, visible_s=begun_s + 4_000)  # too late
    one, timely, late = collector(boto, clock, queries=functions(1)), 0, 0
    for _ in range(18):
        clock.sleep(300)
        cycle = one.collect(now_s=clock())
        timely, late = timely + cycle.timely, late + cycle.late
    show(f"60 points, {sum(delay > 60 for delay in delays)} of them minutes late: {timely} timely, {late} late")
    assert timely + late == 60
    assert late > 0


def test_late_points_of_a_new_series_are_counted_as_late(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    at_s = int(clock()) - 60
    fake.put(LAMBDA, "Errors", {"FunctionName": "f0"}, at_s, 1.0, visible_s=clock() + 200)
    one = collector(boto, clock, queries=functions(1))
    first = one.collect(now_s=clock())
    clock.sleep(300)
    second = one.collect(now_s=clock())
    assert [(cycle.timely, cycle.late) for cycle in (first, second)] == [(0, 0), (0, 1)]


def test_a_value_disappears_after_three_periods_without_a_point(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    fake.put(LAMBDA, "Errors", {"FunctionName": "f0"}, int(clock()) - 60, 7.0)
    one = collector(boto, clock, queries=functions(2), cycle_s=60)
    seen = []
    for _ in range(5):
        one.collect(now_s=clock())
        seen.append(one.values(now_s=clock()))
        clock.sleep(60)
    labels = ("function_errors", "Sum", "f0")
    assert seen == [{labels: 7.0}, {labels: 7.0}, {labels: 7.0}, {}, {}]


def test_a_series_that_cloudwatch_cannot_read_is_incomplete(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    fake.unreadable.add("Errors")
    fake.put(LAMBDA, "Errors", {"FunctionName": "f0"}, int(clock()) - 60, 7.0)
    (answer,) = metered(boto, clock).fetch(functions(1), cycle_window(clock(), period_s=60, cycle_s=300))
    assert (answer.points, answer.incomplete) == ({}, {("f0",)})


def test_a_search_costs_one_metric_per_series_found(fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock) -> None:
    at_s = int(clock()) - 60
    for number in range(30):
        fake.put(LAMBDA, "Errors", {"FunctionName": f"f{number}"}, at_s, float(number))
    fake.put(LAMBDA, "Errors", {"FunctionName": "f1", "Resource": "f1:prod"}, at_s, 99.0)
    search = MetricQuery(
        ("errors",),
        expression="SEARCH('{AWS/Lambda,FunctionName} MetricName=\"Errors\"', 'Sum', 60)",
        label="${PROP('Dim.FunctionName')}",
    )
    budget = MemoryRequestBudget()
    found = asked(metered(boto, clock, budget), (search,), cycle_window(clock(), period_s=60, cycle_s=300))
    assert found == {("errors", f"f{number}"): [(at_s, float(number))] for number in range(30)}
    assert sum(budget.requested.values()) == fake.requested == 30


def test_a_search_with_duplicate_labels_raises_source_refused(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    for balancer in ("app/a/1", "app/b/2"):
        place = {"LoadBalancer": balancer, "TargetGroup": "targetgroup/web/3"}
        fake.put("AWS/ApplicationELB", "RequestCount", place, int(clock()) - 60, 1.0)
    search = MetricQuery(
        ("requests",),
        expression="SEARCH('{AWS/ApplicationELB,LoadBalancer,TargetGroup} MetricName=\"RequestCount\"', 'Sum', 60)",
        label="${PROP('Dim.TargetGroup')}",
    )
    with pytest.raises(SourceRefused, match="finds 2 series labelled 'targetgroup/web/3'"):
        asked(metered(boto, clock), (search,), cycle_window(clock(), period_s=60, cycle_s=300))


def test_a_month_costs_the_forecast(fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock) -> None:
    cycle_s, metrics, budget = 86_400, 510, MemoryRequestBudget()
    one = collector(boto, clock, queries=functions(metrics), budget=budget, cycle_s=cycle_s)
    expected = forecast(metrics, cycle_s=cycle_s, days=30)
    ends_s = clock() + 30 * 86_400
    while clock() < ends_s:
        begun_s = clock()
        one.collect(now_s=begun_s)
        clock.sleep(begun_s + cycle_s - clock())
    counted = sum(budget.requested.values())
    show(f"forecast {expected:,} metrics, {usd(expected):.2f} USD; requested {fake.requested:,}; counted {counted:,}")
    assert abs(expected - fake.requested) <= fake.requested / 100
    assert counted == fake.requested


def test_the_budget_stops_collection_until_the_next_month(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    budget = MemoryRequestBudget(budget_usd=0.0172)
    one = collector(boto, clock, queries=functions(600), budget=budget)
    one.collect(now_s=clock())
    one.collect(now_s=clock())
    with pytest.raises(BudgetSpent, match=r"November 2026 is spent: 1,700 metrics, 0\.02 of 0\.02 USD"):
        one.collect(now_s=clock())
    asked_for = fake.requested
    assert asked_for == 1_700 <= affordable(0.0172), "the part of the cycle within the budget was sent"
    clock.sleep(3_600)
    with pytest.raises(BudgetSpent):
        one.collect(now_s=clock())
    clock.sleep(-2 * 3_600)  # a clock that jumps back adds no budget
    with pytest.raises(BudgetSpent):
        one.collect(now_s=clock())
    assert fake.requested == asked_for
    clock.sleep(month_end_s(month_of(clock())) - clock())
    one.collect(now_s=clock())
    assert sum(budget.requested.values()) == fake.requested


def test_no_stale_value_remains_while_cloudwatch_is_unavailable(
    clock: Clock, fake: FakeCloudWatch, boto: BotoCloudWatch
) -> None:
    fake.put(LAMBDA, "Errors", {"FunctionName": "f0"}, int(clock()) - 60, 7.0)
    one = collector(boto, clock, queries=functions(1))
    one.collect(now_s=clock())
    assert one.values(now_s=clock())
    unavailable = UnavailableCloudWatch()
    one._cloudwatch = metered(unavailable, clock)
    clock.sleep(300)
    with pytest.raises(SourceUnavailable):
        one.collect(now_s=clock())
    assert unavailable.calls == TRIES
    assert (one.values(now_s=clock()), one._exported) == ({}, set())


def test_a_slow_cloudwatch_raises_source_unavailable(fake: FakeCloudWatch, clock: Clock) -> None:
    fake.slow_s = 0.5
    with (
        reached(fake, timeout_s=0.1) as boto,
        pytest.raises(SourceUnavailable, match="timed out on GetMetricData"),
    ):
        boto.page(functions(1), start_s=0, end_s=60)
