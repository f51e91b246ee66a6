"""Compares ingest into an upsert dataset with psql's \\copy of as many rows into the same table."""

import datetime
from collections.abc import Mapping
from typing import Final

from bench.copies import CopyFile, copy_file
from bench.datasets import dropped, recreated
from bench.interleaved import interleaved
from bench.record_kinds import KEYED_ORDERS
from bench.result import Result, rates, worker_memory
from bench.servers import Servers
from bench.topics import OutgoingRecord, fill, topics_make
from bench.worker_process import WorkerProcess

TARGET: Final = 0.45
RECORDS: Final = 300_000
QUICK_RECORDS: Final = 100_000
PARTITIONS: Final = 4
NAME: Final = "upserts"
BLOCK: Final = 20_000
DISTINCT: Final = BLOCK // 10
"""How many keys a block of records has; half of them are new, the others are of the block before."""


def upsert_key(number: int) -> int:
    """The key of record number N."""
    return number // BLOCK * (DISTINCT // 2) + number % DISTINCT


def measure(servers: Servers, *, rounds: int, quick: bool) -> list[Result]:
    """Measure ingest of records of which a tenth has distinct keys; \\copy has distinct keys only."""
    count = QUICK_RECORDS if quick else RECORDS
    topics_make(servers.kafka.bootstrap, [NAME], partitions=PARTITIONS)
    fill(servers.kafka.bootstrap, (_outgoing(number) for number in range(count)))
    rows = _distinct(servers, count)

    def anden() -> Mapping[str, float]:
        recreated(KEYED_ORDERS.document(NAME, mode="upsert"))
        servers.checkpoint()
        return {"Andén": count / process.read([NAME], count).seconds}

    def copy() -> Mapping[str, float]:
        recreated(KEYED_ORDERS.document(NAME, mode="upsert"))
        servers.checkpoint()
        return {"\\copy": rows.rate(NAME)}

    with WorkerProcess("upserts", servers.folder) as process:
        found = interleaved("upserts", [copy, anden], rounds=rounds)
    rows.path.unlink()
    dropped(NAME)
    name = "ingest of upserts, 10 % distinct keys, compared with psql \\copy"
    return [
        rates(name, "rows/s", found["Andén"], found["\\copy"], target=TARGET),
        worker_memory("upserts", process.peak_bytes),
    ]


def _outgoing(number: int) -> OutgoingRecord:
    key = upsert_key(number)
    return OutgoingRecord(NAME, key % PARTITIONS, KEYED_ORDERS.value(key), str(key).encode())


def _distinct(servers: Servers, count: int) -> CopyFile:
    now = datetime.datetime.now(datetime.UTC).isoformat()
    rows = ((*KEYED_ORDERS.fields(number).values(), 1, number, 1, now, 1) for number in range(count))
    columns = (*KEYED_ORDERS.columns, "_source", "_offset", "_batch", "_at", "_rev")
    return copy_file(servers.folder / "upserts.csv", columns, rows)
