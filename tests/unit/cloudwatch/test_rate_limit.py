"""Calls stay below CloudWatch's rate limit, whatever the clock does."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from apps.cloudwatch.collector.rate_limit import LIMIT_A_SECOND, TokenBucket, backoff_s


@given(latencies=st.lists(st.one_of(st.just(0.0), st.floats(0, 0.5)), min_size=1, max_size=400))
def test_no_second_sees_more_calls_than_the_limit(latencies: list[float]) -> None:
    bucket, now_s, sent = TokenBucket(), 1_800_000_000.0, []
    for latency_s in latencies:
        now_s += bucket.wait_s(now_s)
        sent.append(now_s)
        now_s += latency_s
    assert max(sum(1 for other in sent if at_s <= other < at_s + 1) for at_s in sent) <= LIMIT_A_SECOND


def test_a_quiet_collector_never_waits() -> None:
    bucket = TokenBucket()
    assert [bucket.wait_s(1_000.0 + number * 0.1) for number in range(100)] == [0.0] * 100


def test_a_clock_that_jumps_back_adds_no_tokens_and_does_not_block() -> None:
    bucket = TokenBucket()
    first = [bucket.wait_s(1_000.0) for _ in range(20)]
    back = [bucket.wait_s(400.0) for _ in range(20)]
    assert back[0] > first[-1] > 0
    assert bucket.wait_s(402.0) == 0


def test_backoff_grows_to_a_limit_with_jitter() -> None:
    longest = [backoff_s(failures, 1.0) for failures in range(1, 10)]
    assert longest == sorted(longest)
    assert (longest[0], longest[-1]) == (0.5, 20.0)
    assert all(b / a <= 2 for a, b in pairwise(longest))
    assert backoff_s(3, 0.0) == backoff_s(3, 1.0) / 2
