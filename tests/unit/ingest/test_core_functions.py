"""Small pure functions: SQLSTATEs, bisection, watermarks, batches, backoff, lag."""

import datetime
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.ingest.core.backoff import Backoff
from apps.ingest.core.batching import BatchPolicy, ChunkSize
from apps.ingest.core.bisection import bisect_refused
from apps.ingest.core.errors import RecordRefused
from apps.ingest.core.lag import EndHistory
from apps.ingest.core.sqlstates import Reaction, reaction
from apps.ingest.core.watermarks import EPOCH, FUTURE_MS, next_watermark, watermark_ms, watermark_time, watermarks


@pytest.mark.parametrize(
    ("sqlstate", "constraint", "expected"),
    [
        (None, None, Reaction.WAIT),
        *((state, None, Reaction.WAIT) for state in ("08006", "53200", "57P01", "40001", "25006")),
        *((state, None, Reaction.PAUSE_TABLE) for state in ("53100", "40P01", "42501", "55P03", "57014", "58030")),
        *((state, None, Reaction.QUARANTINE) for state in ("22001", "22003", "22021", "22P02", "23502", "54000")),
        ("23514", None, Reaction.MAKE_PARTITION),
        ("23514", "c_3_required_0a", Reaction.QUARANTINE),
        ("23514", "somebody_elses", Reaction.STOP),
        ("23505", "d3_pkey", Reaction.STOP_DUPLICATE),
        ("23505", "c_3_unique_0a", Reaction.QUARANTINE),
        ("42P01", None, Reaction.READ_CONTRACT),
        ("XX001", None, Reaction.STOP),
        ("42601", None, Reaction.STOP),
    ],
)
def test_each_sqlstate_has_its_reaction(sqlstate: str | None, constraint: str | None, expected: Reaction) -> None:
    assert reaction(sqlstate, constraint) is expected


@given(count=st.integers(0, 300), bad=st.sets(st.integers(0, 299)))
def test_bisection_finds_exactly_the_rejected_rows_and_stores_the_others_in_order(count: int, bad: set[int]) -> None:
    stored: list[int] = []
    tries = 0

    def store(part: Sequence[int]) -> None:
        nonlocal tries
        tries += 1
        if bad.intersection(part):
            raise RecordRefused("no", sqlstate="22000")
        stored.extend(part)

    refused = bisect_refused(range(count), store, most=300)
    present = {number for number in bad if number < count}
    assert [row for row, _ in refused] == sorted(present)
    assert stored == [number for number in range(count) if number not in bad]
    # One path of halves from the top to each bad row, and the good half of each step.
    assert tries <= 1 + 2 * len(present) * max(1, (count - 1).bit_length())


@given(count=st.integers(1, 300), bad=st.sets(st.integers(0, 299), max_size=9), wrong=st.integers(-9, 309) | st.none())
def test_bisection_goes_straight_to_the_row_that_an_error_names(count: int, bad: set[int], wrong: int | None) -> None:
    stored: list[int] = []
    tries = 0

    def store(part: Sequence[int]) -> None:
        nonlocal tries
        tries += 1
        if found := [place for place, number in enumerate(part) if number in bad]:
            raise RecordRefused("no", sqlstate="22000", row=found[0] if wrong is None else wrong)
        stored.extend(part)

    refused = bisect_refused(range(count), store, most=300)
    present = {number for number in bad if number < count}
    assert [row for row, _ in refused] == sorted(present)
    assert stored == [number for number in range(count) if number not in bad]
    if wrong is None:
        assert tries <= 1 + 3 * len(present)


@given(
    stamps=st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.integers(-5, 2**62)), min_size=1),
    now_ms=st.integers(10**12, 2 * 10**12),
)
def test_watermarks_never_fall_and_never_run_far_ahead_of_the_clock(
    stamps: list[tuple[int, int]], now_ms: int
) -> None:
    mark: int | None = None
    marks = []
    for stamp in stamps:
        later = next_watermark(stamp, watermark_ms=mark, now_ms=now_ms)
        assert mark is None or later >= mark
        assert later <= now_ms + FUTURE_MS
        mark = later
        marks.append(mark)
    assert watermarks(stamps, watermark_ms=None, now_ms=now_ms) == marks
    assert watermarks(stamps, watermark_ms=marks[-1], now_ms=now_ms) == [marks[-1]] * len(marks)


@given(st.one_of(st.integers(0, 4 * 10**12), st.integers(0, 2 * 10**14)))
def test_a_watermark_survives_a_round_trip(at_ms: int) -> None:
    assert watermark_ms(watermark_time(at_ms)) == at_ms
    assert watermark_time(at_ms) == EPOCH + datetime.timedelta(milliseconds=at_ms)


def test_rows_bytes_or_age_fill_a_batch() -> None:
    policy = BatchPolicy(rows=10, bytes=100, wait_s=1)
    assert not policy.is_full(rows=9, size_bytes=99, age_s=0.9)
    assert policy.is_full(rows=10, size_bytes=0, age_s=0)
    assert policy.is_full(rows=0, size_bytes=100, age_s=0)
    assert policy.is_full(rows=0, size_bytes=0, age_s=1)


def test_chunks_grow_with_small_records_and_shrink_with_large_ones() -> None:
    policy = BatchPolicy(chunk_records=4_000, chunk_bytes=1_000_000)
    chunk = ChunkSize(policy)
    first = chunk.records
    assert first * 1_000_000 < 2**30
    for _ in range(5):
        chunk.learn(records=chunk.records, size_bytes=chunk.records * 100)
    assert chunk.records == 4_000
    chunk.learn(records=10, size_bytes=10_000_000)
    assert chunk.records == 1
    chunk.learn(records=0, size_bytes=0)
    assert chunk.records == 1


def test_pauses_double_to_the_longest_and_reset() -> None:
    backoff = Backoff(first_s=1, longest_s=5)
    assert [backoff.failed(0) for _ in range(4)] == [1, 2, 4, 5]
    assert backoff.waits(4.9)
    assert not backoff.waits(5)
    backoff.succeeded()
    assert not backoff.waits(0)
    assert backoff.failed(0, at_least_s=3) == 3


def test_lag_in_seconds_is_the_time_since_the_partition_grew_beyond_the_position() -> None:
    history = EndHistory()
    for now_s, end in ((0.0, 0), (10.0, 100), (20.0, 100), (30.0, 200)):
        history.note(now_s, end)
    behind = [history.seconds_behind(at, now_s=40.0, last_stored_s=None) for at in (200, 150, 100, 99, 0)]
    assert behind == [0.0, 10.0, 10.0, 30.0, 30.0]


def test_lag_of_a_position_older_than_the_history_comes_from_its_last_record() -> None:
    history = EndHistory()
    history.note(100.0, 500)
    assert history.seconds_behind(10, now_s=110.0, last_stored_s=50.0) == 60.0
    assert history.seconds_behind(10, now_s=110.0, last_stored_s=None) == 10.0
    history.note(120.0, 3)
    assert history.seconds_behind(3, now_s=130.0, last_stored_s=None) == 0.0
