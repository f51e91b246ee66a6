"""The admin's lag comes from the database: the exporter stores end offsets next to the positions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from prometheus_client import REGISTRY

from apps.console.selectors import station_activity
from apps.ingest.core.errors import BrokerUnavailable
from apps.ingest.core.records import OffsetRange, OffsetRanges, TopicPartition, TopicState, TopicStates
from apps.ingest.metrics import LAG_LAST_SUCCESS, LAG_UP
from apps.ingest.models import Source
from apps.ingest.selectors import dataset_topics, positions
from apps.ingest.services.lag import LagExporter, ends_store
from tests.integration.console.conftest import Filled, LoginAs
from tests.station import Station


@dataclass
class Ends:
    """A fake of the exporter's Kafka: topics with one partition, and their end offsets."""

    ends: dict[str, int] = field(default_factory=dict)
    is_down: bool = False

    def states(self, names: Collection[str]) -> TopicStates:
        if self.is_down:
            raise BrokerUnavailable
        return TopicStates({name: TopicState("t", (0,)) for name in names if name in self.ends})

    def offsets(self, partitions: Collection[TopicPartition]) -> OffsetRanges:
        return OffsetRanges({partition: OffsetRange(0, self.ends[partition.topic]) for partition in partitions})

    def high_watermarks(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {partition: self.ends[partition.topic] for partition in partitions}

    def written_s(self, _offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, float]:
        return {}


def exporter_of(kafka: Ends) -> LagExporter:
    return LagExporter(kafka, kafka, dataset_topics, positions, ends_store)


def lags() -> dict[str, int | None]:
    return {one.dataset.name: one.lag_records for one in station_activity().datasets}


def execute(statement: str, *values: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_the_stored_lag_is_shown_whichever_machine_the_exporter_runs_on(filled: Filled, login_as: LoginAs) -> None:
    filled.source(filled.dataset("behind"))  # its position is 100
    filled.source(filled.dataset("ahead"))
    filled.source(filled.dataset("without"))
    assert lags() == {"behind": None, "ahead": None, "without": None}
    exporter = exporter_of(Ends({"behind": 1_750, "ahead": 90}))
    exporter.export(now_s=1_800_000_000.0)
    assert lags() == {"behind": 1_650, "ahead": 0, "without": None}
    assert station_activity().lag_records == 1_650
    assert "no recent measurement" not in login_as("viewer").get(reverse("admin:index")).content.decode()


def test_the_lag_shrinks_as_positions_move_without_a_new_measurement(filled: Filled) -> None:
    filled.source(filled.dataset("things"))
    exporter_of(Ends({"things": 500})).export(now_s=1_800_000_000.0)
    execute("UPDATE ingest_source SET next_offset = 450")
    assert lags() == {"things": 50}


@pytest.mark.parametrize(("every_s", "age_s", "is_recent"), [(5, 50, True), (5, 70, False), (300, 800, True)])
def test_an_old_measurement_is_ignored(
    filled: Filled, settings: Any, every_s: float, age_s: int, *, is_recent: bool
) -> None:
    settings.INGEST = settings.INGEST.model_copy(update={"lag_every_s": every_s})
    filled.source(filled.dataset("things"))
    exporter_of(Ends({"things": 500})).export(now_s=1_800_000_000.0)
    execute("UPDATE ingest_source SET end_at = now() - make_interval(secs => %s)", age_s)
    assert lags() == {"things": 400 if is_recent else None}


def test_a_recreated_topic_is_not_measured(filled: Filled) -> None:
    former = filled.source(filled.dataset("things"))
    execute("UPDATE ingest_source SET topic_id = 'gone' WHERE id = %s", former)
    exporter_of(Ends({"things": 500})).export(now_s=1_800_000_000.0)
    assert Source.objects.get().end_offset is None
    assert lags() == {"things": None}


def test_many_ends_are_stored_by_one_statement(filled: Filled) -> None:
    ids = [filled.source(filled.dataset(f"d{number}")) for number in range(5)]
    with CaptureQueriesContext(connections["ingest"]) as captured:
        ends_store([(id_, id_ * 10) for id_ in ids])
    assert len(captured.captured_queries) == 1
    assert set(Source.objects.values_list("id", "end_offset")) == {(id_, id_ * 10) for id_ in ids}


def test_a_measurement_waits_for_no_worker(station: Station, filled: Filled) -> None:
    for name in ("held", "free"):
        filled.source(filled.dataset(name))
    exporter = exporter_of(Ends({"held": 500, "free": 300}))
    with station.connect("ingest") as worker:
        with worker.transaction():
            worker.execute("UPDATE ingest_source SET next_offset = 400 WHERE topic = 'held'")
            exporter.export(now_s=1_800_000_000.0)  # would deadlock on a lock: the worker commits only afterwards
        assert dict(Source.objects.values_list("topic", "end_offset")) == {"held": None, "free": 300}
    exporter.export(now_s=1_800_000_005.0)
    assert dict(Source.objects.values_list("topic", "end_offset")) == {"held": 500, "free": 300}
    assert lags() == {"held": 100, "free": 200}


def test_an_unavailable_broker_leaves_the_stored_lag(filled: Filled) -> None:
    filled.source(filled.dataset("things"))
    kafka = Ends({"things": 500})
    exporter = exporter_of(kafka)
    exporter.export(now_s=1_800_000_000.0)
    kafka.is_down = True
    exporter.export(now_s=1_800_000_005.0)
    assert Source.objects.get().end_offset == 500
    assert [REGISTRY.get_sample_value(metric.name) for metric in (LAG_UP, LAG_LAST_SUCCESS)] == [0, 1_800_000_000.0]
