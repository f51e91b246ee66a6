"""Queries are batched into as few calls as CloudWatch's limits allow."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.cloudwatch.collector.batching import MAX_DELAY_S, POINTS_A_CALL, QueryWindow, batch_queries, cycle_window
from apps.cloudwatch.collector.queries import MetricQuery


def many(count: int) -> tuple[MetricQuery, ...]:
    return tuple(MetricQuery(labels=(str(number),)) for number in range(count))


@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (499, 1), (500, 1), (501, 2), (5_000, 10)])
def test_a_cycle_sends_one_call_per_five_hundred_metrics(count: int, calls: int) -> None:
    window = cycle_window(1_800_000_000, period_s=60, cycle_s=300)
    assert len(batch_queries(many(count), window)) == calls == math.ceil(count / 500)


@given(count=st.integers(0, 3_000), points=st.integers(1, POINTS_A_CALL))
def test_calls_keep_the_limits_and_the_order_of_queries(count: int, points: int) -> None:
    calls = batch_queries(many(count), QueryWindow(0, points * 60, 60))
    assert [query for call in calls for query in call] == list(many(count))
    assert all(0 < len(call) <= 500 and len(call) * points <= POINTS_A_CALL for call in calls)
    assert len(calls) == math.ceil(count / min(500, POINTS_A_CALL // points))


def test_a_metric_with_more_points_than_a_call_may_return_raises() -> None:
    with pytest.raises(ValueError, match="100801 points"):
        batch_queries(many(1), QueryWindow(0, (POINTS_A_CALL + 1) * 60, 60))


@given(
    now_s=st.floats(1_700_000_000, 1_900_000_000),
    minutes=st.sampled_from([1, 5, 60]),
    cycle_s=st.integers(60, 86_400),
    late_s=st.floats(0, MAX_DELAY_S),
)
def test_a_point_up_to_ten_minutes_late_is_requested_after_it_arrived(
    now_s: float, minutes: int, cycle_s: int, late_s: float
) -> None:
    period_s = minutes * 60
    begun_s = math.floor(now_s / period_s) * period_s
    visible_s = begun_s + period_s + late_s
    cycle_after_s = visible_s + cycle_s * 0.999  # the worst case: the previous cycle just missed it
    window = cycle_window(cycle_after_s, period_s=period_s, cycle_s=cycle_s)
    assert window.start_s <= begun_s < window.end_s
    assert window.end_s <= cycle_after_s, "an incomplete period has no point yet"
    assert (window.start_s % period_s, window.end_s % period_s) == (0, 0)
