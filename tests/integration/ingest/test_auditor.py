"""The auditor of chaos runs finds every change to what a worker stored."""

import random
import uuid
from dataclasses import dataclass

import pytest
from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient, NewTopic

from apps.ingest.conf import IngestSettings, KafkaSettings
from apps.ingest.services.run_limits import RunLimits
from apps.ingest.services.worker_factory import worker_make
from embedded.kafka import EmbeddedKafka
from tests.chaos import content
from tests.chaos.audit_report import FAILURES, AuditReport
from tests.chaos.auditor import audit
from tests.chaos.journal import Journal
from tests.chaos.load import Load
from tests.chaos.plans import Plan
from tests.station import Station

RECORDS = 300
PLANS = (
    Plan("appended", f"appended-{uuid.uuid4()}", 1, partitions=2),
    Plan("latest", f"latest-{uuid.uuid4()}", 1, partitions=2, upsert=True),
    Plan("months", f"months-{uuid.uuid4()}", 1, monthly=True, drops_late=True),
)


def one(table: str) -> str:
    """The condition for one row of the table."""
    return (
        f"(_source, _offset) = (SELECT _source, _offset FROM data.{table} ORDER BY _offset, _source LIMIT 1 OFFSET 7)"
    )


ONE_BATCH = "(day, id) IN (SELECT day, id FROM datasets_batch WHERE rows > 1 AND first_offset > 0 ORDER BY id LIMIT 1)"
ONE_REJECT = "id = (SELECT min(id) FROM ingest_quarantine WHERE value IS NOT NULL)"
COLUMNS = "id, seq, name, amount, payload, at, _source, _offset, _batch"


@dataclass
class Audited:
    """Stored datasets and the journal of what was sent."""

    station: Station
    bootstrap: str
    journal: Journal

    def audit(self, *changes: str) -> AuditReport:
        """Audit after these changes, which are rolled back."""
        with self.station.admin() as connection:
            connection.autocommit = False
            for change in changes:
                assert connection.execute(change.encode()).rowcount == 1, change
            report = audit(connection, self.bootstrap, PLANS, self.journal)
            connection.rollback()
        return report


@pytest.fixture(scope="module")
def audited(module_station: Station, kafka_server: EmbeddedKafka) -> Audited:
    """Three datasets with good, bad and late records, in many batches."""
    bootstrap, journal = kafka_server.bootstrap, Journal()
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for plan in PLANS:
        module_station.apply(plan.contract())
        admin.create_topics([NewTopic(plan.topic, plan.partitions, 1)])[plan.topic].result(20)
        described = admin.describe_topics(TopicCollection([plan.topic]))[plan.topic].result(20)
        journal.begin(plan.topic, str(described.topic_id))
    load = Load(bootstrap, {plan.topic: plan for plan in PLANS}, journal, seed=1, scale=1)
    chance = random.Random(2)  # noqa: S311 - repeatable, no secret
    for number in range(RECORDS):
        for plan in PLANS:
            bad = number % 10 == 0
            load.send(plan, lambda at: content.poison(at, chance) if bad else content.good(plan, at, chance))  # noqa: B023
    load.flush()
    kafka = KafkaSettings(bootstrap_servers=bootstrap, group_id=f"audited-{uuid.uuid4()}", session_timeout_ms=1_000)
    ingest = IngestSettings(batch_rows=30, chunk_records=10)
    worker_make([], ingest=ingest, kafka=kafka, limits=RunLimits(until_idle=True, patience_s=60)).run()
    return Audited(module_station, bootstrap, journal)


def test_it_finds_nothing_in_what_a_worker_stored(audited: Audited) -> None:
    report = audited.audit()
    assert not report.failed, report.text
    assert [one.records for one in report.datasets] == [RECORDS] * 3
    assert all(one.rejects for one in report.datasets)
    assert report.datasets[2].dropped > 0
    assert audited.journal.count == 3 * RECORDS


DOUBLED = f"""
INSERT INTO data.months ({COLUMNS})
SELECT id, seq, name, amount, payload, at + interval '1 us', _source, _offset, _batch
FROM data.months WHERE {one("months")}
"""
ALSO_REJECTED = """
INSERT INTO ingest_quarantine
    (dataset_id, source_id, "offset", topic, partition, reason, message, contract_version, batch_id)
SELECT s.dataset_id, s.id, t._offset, s.topic, s.partition, 'nul', '', 1, t._batch
FROM data.appended t JOIN ingest_source s ON s.id = t._source ORDER BY t._offset LIMIT 1 OFFSET 7
"""
ABORTED = f"""
INSERT INTO data.appended ({COLUMNS})
SELECT id, seq, name, amount, payload, at, _source, 999999, _batch FROM data.appended WHERE {one("appended")}
"""
REJECT_AS_ROW = """
UPDATE datasets_batch SET rows = rows + 1, rejects = rejects - 1 WHERE (day, id) IN
    (SELECT b.day, b.id FROM datasets_batch b JOIN datasets_dataset d ON d.id = b.dataset_id
     WHERE d.name = 'months' AND b.rejects > 0 LIMIT 1)
"""
FIRST_POSITION = "id = (SELECT min(id) FROM ingest_source)"
FIRST_TOMBSTONE = "id = (SELECT min(id) FROM data.latest WHERE _deleted)"


def set_one(table: str, change: str) -> str:
    """A statement that changes one row of a dataset."""
    return f"UPDATE data.{table} SET {change} WHERE {one(table)}"


FOUND = {
    "a row is deleted": (f"DELETE FROM data.appended WHERE {one('appended')}", "appended", {"lost"}),
    "a row is moved": (set_one("appended", "_offset = _offset + 1000000"), "appended", {"lost", "invented"}),
    "a row is stored twice": (DOUBLED, "months", {"doubled"}),
    "a row is also rejected": (ALSO_REJECTED, "appended", {"doubled", "ledger"}),
    "a value is changed": (set_one("appended", "amount = amount + 0.01"), "appended", {"changed"}),
    "a value is set to null": (set_one("months", "payload = NULL"), "months", {"changed"}),
    "a row of an aborted record": (ABORTED, "appended", {"invented"}),
    "a row names another batch": (set_one("appended", "_batch = _batch + 1000"), "appended", {"ledger"}),
    "an older record wins": (set_one("latest", "_offset = _offset - 1"), "latest", {"wrong winners"}),
    "a winner has an earlier time": (set_one("latest", "_at = _at - interval '1 ms'"), "latest", {"wrong winners"}),
    "a winner has other values": (set_one("latest", "seq = seq + 1"), "latest", {"changed"}),
    "a winner is deleted": (f"DELETE FROM data.latest WHERE {one('latest')}", "latest", {"lost"}),
    "a tombstone is undone": (
        f"UPDATE data.latest SET _deleted = false, seq = 1 WHERE {FIRST_TOMBSTONE}",
        "latest",
        {"wrong winners"},
    ),
    "a reject is deleted": (f"DELETE FROM ingest_quarantine WHERE {ONE_REJECT}", "", {"lost", "ledger"}),
    "a reject has other bytes": (
        f"UPDATE ingest_quarantine SET value = value || '\\x00'::bytea WHERE {ONE_REJECT}",
        "",
        {"changed"},
    ),
    "a reject names another batch": (
        f"UPDATE ingest_quarantine SET batch_id = batch_id + 1000 WHERE {ONE_REJECT}",
        "",
        {"ledger"},
    ),
    "a batch is deleted": (f"DELETE FROM datasets_batch WHERE {ONE_BATCH}", "", {"ledger"}),
    "a batch has another count": (f"UPDATE datasets_batch SET rows = rows + 1 WHERE {ONE_BATCH}", "", {"ledger"}),
    "a batch begins earlier": (
        f"UPDATE datasets_batch SET first_offset = first_offset - 1 WHERE {ONE_BATCH}",
        "",
        {"ledger"},
    ),
    "a reject is counted as a row": (REJECT_AS_ROW, "months", {"ledger"}),
    "a position is behind": (
        f"UPDATE ingest_source SET next_offset = next_offset - 1 WHERE {FIRST_POSITION}",
        "",
        {"position", "lost", "ledger"},
    ),
    "a position is missing": (
        f"UPDATE ingest_source SET topic_id = 'unknown' WHERE {FIRST_POSITION}",
        "",
        {"position"},
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_it_finds_every_change(audited: Audited, name: str) -> None:
    change, dataset, kinds = FOUND[name]
    report = audited.audit(change)
    assert report.failed
    failed = [one for one in report.datasets if one.failed]
    assert len(failed) == 1, report.text
    assert not dataset or failed[0].dataset == dataset
    found = {kind for kind in FAILURES if failed[0].failures[kind]}
    assert kinds <= found, report.text
    assert failed[0].examples


def test_it_finds_an_acknowledged_record_that_kafka_does_not_have(audited: Audited) -> None:
    current = audited.journal.current(PLANS[0].topic)
    current.acknowledged[0, 999_999] = b"anything"
    try:
        assert audited.audit().total("not as sent") == 1
    finally:
        del current.acknowledged[0, 999_999]


def test_it_finds_an_aborted_record_in_the_log(audited: Audited) -> None:
    current = audited.journal.current(PLANS[0].topic)
    current.aborted.add((0, 0))
    try:
        assert audited.audit().total("not as sent") == 1
    finally:
        current.aborted.clear()
