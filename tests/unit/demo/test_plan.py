"""Which records are still to be sent."""

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
    return [[slot for slot in places if slot.partition == index] for index in range(partitions)]


def test_a_key_stays_in_the_partition_that_librdkafka_would_choose() -> None:
    # CRC-32 of "123456789" is the check value of the algorithm, 0xcbf43926.
    assert partition_of(b"123456789", 1000) == 0xCBF43926 % 1000


@given(st.integers(0, 200), st.integers(1, 5), st.data())
def test_stopping_anywhere_and_going_on_sends_each_record_once_in_order(
    count: int, partitions: int, data: st.DataObject
) -> None:
    whole = list(planned_records(records(count), partitions))
    by_partition = partitions_of(whole, partitions)
    held = [data.draw(st.integers(0, len(part))) for part in by_partition]
    rest = list(remaining(planned_records(records(count), partitions), held))
    assert rest == [slot for slot in whole if slot.offset >= held[slot.partition]]
    for part, sent, later in zip(by_partition, held, partitions_of(rest, partitions), strict=True):
        assert part[:sent] + later == part
        assert [slot.offset for slot in part] == list(range(len(part)))


def tails_of(source: TableRecords, held: list[int]) -> dict[int, bytes | None]:
    return {
        slot.partition: source.value(slot.row)
        for slot in planned_records(source, len(held))
        if slot.offset == held[slot.partition] - 1
    }


def test_a_topic_that_holds_the_beginning_of_the_data_is_gone_on_with() -> None:
    source = records(60)
    held = [len(part) // 2 for part in partitions_of(list(planned_records(source, 3)), 3)]
    check_tails(source, held, tails_of(source, held))
    check_tails(source, held, {})


def test_a_tail_that_the_demo_did_not_send_is_refused_with_its_place() -> None:
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
def test_the_pace_is_kept_by_ticks(rate: float, elapsed: float) -> None:
    pace = RateLimiter(rate, started_s=50.0)
    now = 50.0 + elapsed
    assert pace.allowed(now) <= elapsed * rate * (1 + 1e-9)
    assert pace.allowed(now) >= (elapsed - pace.tick_s) * rate * (1 - 1e-9) - 1e-6
    assert 0 <= pace.wait_s(now) <= pace.tick_s
    assert pace.allowed(now + pace.tick_s + 1e-6) > pace.allowed(now)


def test_without_a_rate_nothing_waits() -> None:
    pace = RateLimiter(0, started_s=50.0)
    assert pace.allowed(50.0) > 10**12
    assert pace.wait_s(50.0) == 0.0
