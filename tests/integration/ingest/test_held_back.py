"""Open transactions hold back every later record of their partition; `lag` states it."""

import datetime
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import msgspec
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewPartitions
from django.core.management import call_command

from apps.ingest.services.lag import DatasetLag
from tests.integration.ingest.conftest import Line
from tests.unit.ingest.world import EVENTS, things


@contextmanager
def open_transaction(line: Line, *, partition: int = 0) -> Iterator[Producer]:
    """A producer in a transaction with one record."""
    producer = Producer({"bootstrap.servers": line.kafka.bootstrap, "transactional.id": f"{line.topic}-{partition}"})
    producer.init_transactions(30)
    producer.begin_transaction()
    (value,) = things(1, 5_000)
    producer.produce(line.topic, msgspec.json.encode(value), partition=partition)
    assert producer.flush(30) == 0
    yield producer


def printed() -> str:
    output = StringIO()
    call_command("lag", "--once", stdout=output)
    return output.getvalue()


def lag_of(line: Line) -> DatasetLag:
    (lag,) = line.exporter.measure(now_s=time.time()).measured
    return lag


def stored(line: Line) -> int:
    return int(line.query("SELECT count(*) FROM data.things")[0][0])


@pytest.mark.parametrize(("ending", "rows"), [("commit_transaction", 1_001), ("abort_transaction", 1_000)])
def test_a_thousand_records_behind_an_open_transaction_are_held_back_until_it_ends(
    line: Line, ending: str, rows: int
) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    began_s = time.time()
    with open_transaction(line) as producer:
        opened_s = time.time()
        line.send(*things(1_000))
        assert line.run().records == 0
        text = printed()
        assert "0 records behind, no batch yet; 1001 held back by an open transaction since 20" in text
        since = re.search(r"since (.+) UTC", text)
        assert since is not None
        since_s = datetime.datetime.fromisoformat(f"{since[1]}+00:00").timestamp()
        assert began_s - 1 <= since_s <= opened_s
        getattr(producer, ending)(30)
    assert line.run().rows == rows
    assert stored(line) == rows
    lag = lag_of(line)
    assert (lag.records, lag.held_back, lag.held_since_s) == (0, 0, None)
    assert "held back" not in printed()


def test_the_other_partition_of_a_held_back_topic_has_its_lag(line: Line) -> None:
    line.apply(EVENTS, mode="append")
    line.make(2)
    with open_transaction(line, partition=1) as producer:
        line.send(*things(20, 100), partition=1)
        line.send(*things(7), partition=0)
        lag = lag_of(line)
        assert (lag.records, lag.held_back) == (7, 21)
        assert line.run().rows == 7
        lag = lag_of(line)
        assert (lag.records, lag.held_back) == (0, 21)
        producer.commit_transaction(30)
    assert lag_of(line).records == 22  # with the marker


def test_a_dataset_that_was_never_read_counts_from_the_first_offset(line: Line) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    line.send(*things(30))
    with open_transaction(line) as producer:
        lag = lag_of(line)
        assert (lag.records, lag.held_back, lag.freshness_s) == (30, 1, None)
        producer.abort_transaction(30)
    assert (lag_of(line).records, lag_of(line).held_back) == (32, 0)


def test_markers_at_the_end_hold_nothing_back(line: Line) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    line.send(*things(5))
    with open_transaction(line) as producer:
        producer.abort_transaction(30)
    line.run()
    lag = lag_of(line)
    assert (lag.records, lag.held_back, lag.held_since_s) == (0, 0, None)


def test_a_new_partition_counts_with_its_records(line: Line) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    line.send(*things(5))
    line.run()
    admin = line.admin
    admin.create_partitions([NewPartitions(line.topic, 2)])[line.topic].result(30)
    line.send(*things(9, 100), partition=1)
    assert lag_of(line).records == 9


def test_a_record_with_a_timestamp_of_long_ago_dates_nothing_that_was_seen_to_arrive(line: Line) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    exporter = line.exporter
    exporter.measure(now_s=time.time())
    producer = Producer({"bootstrap.servers": line.kafka.bootstrap, "transactional.id": line.topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(line.topic, b'{"id": 1}', partition=0, timestamp=1_356_998_400_000)
    assert producer.flush(30) == 0
    now_s = time.time()
    (lag,) = exporter.measure(now_s=now_s).measured
    assert lag.held_since_s == now_s
    (lag,) = line.exporter.measure(now_s=now_s).measured
    assert lag.held_since_s == pytest.approx(1_356_998_400)
    producer.abort_transaction(30)
