"""Planning which records are still to be sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.ingest.demo.errors import ForeignRecords
from apps.ingest.demo.nycflights import DemoTable, TableRecords
from apps.ingest.demo.plan import PlannedRecord, check_tails, partition_of, planned_records, remaining
from apps.ingest.demo.rate_limiter import RateLimiter

TABLE = DemoTable("airports", key=("faa",))


def records(count: int) -> TableRecords:
    return TableRecords(TABLE, "faa,alt", [f"K{number % 17},{number}" for number in range(count)])


def partitions_of(places: list[PlannedRecord], partitions: int) -> list[list[PlannedRecord]]:
    return [[record for record in places if record.partition == index] for index in range(partitions)]


def test_a_key_maps_to_the_partition_that_librdkafka_chooses() -> None:
    # CRC-32 of "123456789" is the check value of the algorithm, 0xcbf43926.
    assert partition_of(b"123456789", 1000) == 0xCBF43926 % 1000


@given(st.integers(0, 200), st.integers(1, 5), st.data())
def test_a_run_stopped_anywhere_and_resumed_sends_each_record_once_in_order(
    count: int, partitions: int, data: st.DataObject
) -> None:
    everything = list(planned_records(records(count), partitions))
    by_partition = partitions_of(everything, partitions)
    held = [data.draw(st.integers(0, len(part))) for part in by_partition]
    rest = list(remaining(planned_records(records(count), partitions), held))
    assert rest == [record for record in everything if record.offset >= held[record.partition]]
    for part, sent, later in zip(by_partition, held, partitions_of(rest, partitions), strict=True):
        assert part[:sent] + later == part
        assert [record.offset for record in part] == list(range(len(part)))


def tails_of(source: TableRecords, held: list[int]) -> dict[int, bytes | None]:
    return {
        record.partition: source.value(record.row)
        for record in planned_records(source, len(held))
        if record.offset == held[record.partition] - 1
    }


def test_a_topic_that_holds_a_prefix_of_the_data_is_resumed() -> None:
    source = records(60)
    held = [len(part) // 2 for part in partitions_of(list(planned_records(source, 3)), 3)]
    check_tails(source, held, tails_of(source, held))
    check_tails(source, held, {})


def test_a_tail_that_the_demo_did_not_send_is_refused_with_its_offset() -> None:
    source = records(60)
    held = [len(part) for part in partitions_of(list(planned_records(source, 3)), 3)]
    tails = tails_of(source, held)
    spoilt = next(iter(tails))
    with pytest.raises(ForeignRecords, match=rf"airports, partition {spoilt} .*offset {held[spoilt] - 1}"):
        check_tails(source, held, {**tails, spoilt: b"{}"})


def test_a_topic_with_more_records_than_the_data_is_refused() -> None:
    with pytest.raises(ForeignRecords, match="offset 5"):
        check_tails(records(5), [6], {})


@given(st.floats(0.1, 1e6), st.floats(0, 1000))
def test_the_rate_is_limited_in_ticks(rate: float, elapsed: float) -> None:
    limiter = RateLimiter(rate, started_s=50.0)
    now = 50.0 + elapsed
    assert limiter.allowed(now) <= elapsed * rate * (1 + 1e-9)
    assert limiter.allowed(now) >= (elapsed - limiter.tick_s) * rate * (1 - 1e-9) - 1e-6
    assert 0 <= limiter.wait_s(now) <= limiter.tick_s
    assert limiter.allowed(now + limiter.tick_s + 1e-6) > limiter.allowed(now)


def test_an_unlimited_rate_never_waits() -> None:
    limiter = RateLimiter(0, started_s=50.0)
    assert limiter.allowed(50.0) > 10**12
    assert limiter.wait_s(50.0) == 0.0
