"""CloudWatch as a fleet source: arrays with NaN for missing points, and their cost."""

import datetime

import numpy as np
import pytest

from apps.cloudwatch.client.arrays import fetch_arrays
from apps.cloudwatch.client.boto import BotoCloudWatch
from apps.cloudwatch.client.budget import MemoryRequestBudget
from apps.cloudwatch.collector.batching import QueryWindow
from apps.fleet.engine.observation_builder import INDEX
from apps.fleet.engine.span import DAY_S, ObservationSpan
from apps.fleet.sources.cloudwatch_signals import LAMBDA, FleetMetrics, SignalMetric, parse_fleet_metrics
from apps.fleet.sources.cloudwatch_source import CloudWatchSource
from apps.telemetry.errors import SourceRefused, SourceUnavailable
from tests.contract.cloudwatch.clouds import Clock, functions, metered
from tests.fakes.cloudwatch.fake import FakeCloudWatch

SPAN = ObservationSpan(window_s=600, step_s=60, days=2)
NOW_S = int(datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC).timestamp())
RATE, ERRORS, P95 = (INDEX[name] for name in ("request_rate", "error_ratio", "latency_p95"))


@pytest.fixture
def clock() -> Clock:
    return Clock(now_s=NOW_S + 5.0)


def busy(fake: FakeCloudWatch, name: str, at_s: int, *, calls: int, errors: int = 0, took_ms: float = 100) -> None:
    place = {"FunctionName": name}
    fake.put("AWS/Lambda", "Invocations", place, at_s, *[1.0] * calls)
    fake.put("AWS/Lambda", "Errors", place, at_s, *[1.0] * errors, *[0.0] * (calls - errors))
    fake.put("AWS/Lambda", "Duration", place, at_s, *[took_ms] * calls)


def test_an_array_has_a_value_per_period_and_nan_for_missing_points(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    window = QueryWindow(NOW_S - 300, NOW_S, 60)
    for minute in (0, 3):
        fake.put("AWS/Lambda", "Errors", {"FunctionName": "f0"}, window.start_s + 60 * minute, float(minute))
    found = fetch_arrays(metered(boto, clock), functions(2), window)
    assert list(found) == [("f0",)]
    np.testing.assert_array_equal(found["f0",], [0, np.nan, np.nan, 3, np.nan])


def test_every_function_is_a_service_with_rate_errors_and_latency(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    busy(fake, "notify", NOW_S - 60, calls=30, errors=3, took_ms=250)
    busy(fake, "notify", NOW_S - 60 - DAY_S, calls=60)
    busy(fake, "resize", NOW_S - 600 - 2 * DAY_S, calls=6, took_ms=40)
    seen = CloudWatchSource(metered(boto, clock), LAMBDA, SPAN).observe(NOW_S)
    assert seen.services == ("notify", "resize")
    assert seen.now[0, :, -1][[RATE, ERRORS, P95]] == pytest.approx([0.5, 0.1, 0.25])
    assert seen.past[0, :, 0, -1][[RATE, ERRORS, P95]] == pytest.approx([1.0, 0.0, 0.1])
    assert seen.past[1, :, 1, 0][[RATE, P95]] == pytest.approx([0.1, 0.04])
    assert np.isfinite(seen.now).sum() == 3
    assert np.isfinite(seen.past).sum() == 6, "what was not measured is missing"


def test_later_evaluations_pay_only_for_the_latest_points(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    for day in range(3):
        for minute in range(-10, 20):
            busy(fake, "notify", NOW_S - day * DAY_S + 60 * minute, calls=minute + 11)
    budget = MemoryRequestBudget()
    source = CloudWatchSource(metered(boto, clock, budget), LAMBDA, SPAN)
    paid = []
    for minute in range(15):
        clock.now_s = NOW_S + 60 * minute + 5.0
        before = sum(budget.requested.values())
        seen = source.observe(clock())
        paid.append(sum(budget.requested.values()) - before)
        assert seen.past[0, RATE, 0] == pytest.approx([(minute + point + 1) / 60 for point in range(10)])
        np.testing.assert_array_equal(seen.past[0, RATE, 0], seen.past[0, RATE, 1])
    assert paid == [4 * 3] + [4] * 14, "four metrics per window: the days before are requested once"


def test_named_services_are_requested_one_by_one(fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock) -> None:
    names = tuple(f"f{number}" for number in range(600))
    for name in names:
        fake.put("AWS/Lambda", "Duration", {"FunctionName": name}, NOW_S - 60, 100.0)
    one = ("latency_p95", SignalMetric("Duration", "p95", factor=0.001))
    named = FleetMetrics("AWS/Lambda", ("FunctionName",), "FunctionName", (one,), names)
    span = ObservationSpan(window_s=600, step_s=60, days=0)
    seen = CloudWatchSource(metered(boto, clock), named, span).observe(NOW_S)
    assert (len(seen.services), len(fake.asked), fake.requested) == (600, 2, 600)
    searched = FleetMetrics("AWS/Lambda", ("FunctionName",), "FunctionName", (one,))
    with pytest.raises(SourceRefused, match="maximum of 500 services"):
        CloudWatchSource(metered(boto, clock), searched, span).observe(NOW_S)


def test_a_metric_that_aws_omits_at_zero_is_zero_while_the_service_has_requests(
    fake: FakeCloudWatch, boto: BotoCloudWatch, clock: Clock
) -> None:
    place = {"LoadBalancer": "app/x/1", "TargetGroup": "targetgroup/web/2"}
    fake.put("AWS/ApplicationELB", "RequestCount", place, NOW_S - 60, *[1.0] * 20)
    fake.put("AWS/ApplicationELB", "RequestCount", place, NOW_S - 120, *[1.0] * 20)
    fake.put("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", place, NOW_S - 120, 5.0)
    fleet = parse_fleet_metrics(
        {
            "namespace": "AWS/ApplicationELB",
            "dimensions": ["TargetGroup", "LoadBalancer"],
            "service": "TargetGroup",
            "signals": {
                "error_ratio": {
                    "metric": "HTTPCode_Target_5XX_Count",
                    "over": "RequestCount",
                    "statistic": "Sum",
                    "absent_is_zero": True,
                }
            },
        }
    )
    seen = CloudWatchSource(metered(boto, clock), fleet, SPAN).observe(NOW_S)
    assert seen.services == ("targetgroup/web/2",)
    np.testing.assert_allclose(seen.now[0, ERRORS], [*[np.nan] * 8, 0.25, 0.0])


def test_a_spent_budget_raises_source_unavailable(boto: BotoCloudWatch, clock: Clock) -> None:
    with pytest.raises(SourceUnavailable, match="budget for November 2026 is spent"):
        CloudWatchSource(metered(boto, clock, MemoryRequestBudget(0.0)), LAMBDA, SPAN).observe(NOW_S)


def test_steps_of_seconds_are_refused(boto: BotoCloudWatch, clock: Clock) -> None:
    with pytest.raises(SourceRefused, match="a multiple of 60"):
        CloudWatchSource(metered(boto, clock), LAMBDA, ObservationSpan(window_s=600, step_s=30, days=0))
