"""Compares ingest of topics in which one record in a thousand is bad with ingest of clean ones."""

from collections.abc import Mapping
from typing import Final

from bench.datasets import dropped, recreated
from bench.interleaved import Side, interleaved
from bench.record_kinds import ORDERS, UNIQUE_ORDERS, RecordKind
from bench.result import Result, rates, worker_memory
from bench.servers import Servers
from bench.topics import OutgoingRecord, fill, topics_make
from bench.worker_process import WorkerProcess

DECODING_TARGET: Final = 0.9
DATABASE_TARGET: Final = 0.5
RECORDS: Final = 300_000
QUICK_RECORDS: Final = 100_000
EVERY: Final = 1_000
PARTITIONS: Final = 4
CLEAN, UNDECODABLE, REPEATED = "orders_clean", "orders_undecodable", "orders_repeated"
"""The topics: without a bad record, with values of a wrong type, and with values that must be unique but are not."""


def poisoned_value(topic: str, number: int) -> bytes:
    """The value of record number N of one of the topics."""
    if number % EVERY != EVERY - 1 or topic == CLEAN:
        return ORDERS.value(number)
    return ORDERS.value(number - 1) if topic == REPEATED else b'{"id":"poison"}'


def measure(servers: Servers, *, rounds: int, quick: bool) -> list[Result]:
    """Measure ingest of records that the decoder rejects, and of records that only PostgreSQL rejects."""
    count = QUICK_RECORDS if quick else RECORDS
    for topic in (CLEAN, UNDECODABLE, REPEATED):
        topics_make(servers.kafka.bootstrap, [topic], partitions=PARTITIONS)
        values = (OutgoingRecord(topic, n % PARTITIONS, poisoned_value(topic, n)) for n in range(count))
        fill(servers.kafka.bootstrap, values)

    def side(label: str, kind: RecordKind, topic: str) -> Side:
        def measured() -> Mapping[str, float]:
            recreated(kind.document("orders", topic=topic))
            servers.checkpoint()
            run = process.read(["orders"], count)
            if run.rejects != (0 if topic == CLEAN else count // EVERY):
                raise RuntimeError(f"{topic} has {run.rejects} rejects")
            return {label: count / run.seconds}

        return measured

    sides = [
        side("clean", ORDERS, CLEAN),
        side("undecodable", ORDERS, UNDECODABLE),
        side("unique", UNIQUE_ORDERS, CLEAN),
        side("repeated", UNIQUE_ORDERS, REPEATED),
    ]
    with WorkerProcess("poison", servers.folder) as process:
        found = interleaved("poison", sides, rounds=rounds)
    dropped("orders")
    decoding = "ingest with 0.1 % bad records, found by decoding, compared with clean"
    database = "ingest with 0.1 % bad records, found by PostgreSQL alone, compared with clean"
    return [
        rates(decoding, "rows/s", found["undecodable"], found["clean"], target=DECODING_TARGET),
        rates(database, "rows/s", found["repeated"], found["unique"], target=DATABASE_TARGET),
        worker_memory("bad records", process.peak_bytes),
    ]
