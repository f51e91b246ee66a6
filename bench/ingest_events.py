"""Compares ingest of events, which have a column of each demanding type, with psql's \\copy."""

from collections.abc import Mapping
from typing import Final

from bench.copies import CopyFile, copy_file
from bench.datasets import dropped, recreated
from bench.interleaved import interleaved
from bench.record_kinds import EVENTS, EVENTS_WITH_PATTERN
from bench.result import Result, rates, worker_memory
from bench.servers import Servers
from bench.topics import OutgoingRecord, fill, topics_make
from bench.worker_process import WorkerProcess

COPY_TARGET: Final = 0.65
PATTERN_TARGET: Final = 0.85
RECORDS: Final = 300_000
QUICK_RECORDS: Final = 100_000
PARTITIONS: Final = 4
PLAIN, CHECKED = "events", "events_checked"
"""Two datasets of one topic; the second has a pattern."""


def measure(servers: Servers, *, rounds: int, quick: bool) -> list[Result]:
    """Measure ingest of events without and with a pattern."""
    count = QUICK_RECORDS if quick else RECORDS
    send(servers, count)
    rows = _rows(servers, count)

    def plain() -> Mapping[str, float]:
        recreated(EVENTS.document(PLAIN))
        servers.checkpoint()
        return {"Andén": rows.rows / process.read([PLAIN], rows.rows).seconds}

    def checked() -> Mapping[str, float]:
        recreated(EVENTS_WITH_PATTERN.document(CHECKED, topic=PLAIN))
        servers.checkpoint()
        return {"with a pattern": rows.rows / process.read([CHECKED], rows.rows).seconds}

    def copy() -> Mapping[str, float]:
        recreated(EVENTS.document(PLAIN))
        servers.checkpoint()
        return {"\\copy": rows.rate(PLAIN)}

    with WorkerProcess("events", servers.folder) as process:
        found = interleaved("events", [copy, plain, checked], rounds=rounds)
    rows.path.unlink()
    dropped(PLAIN, CHECKED)
    plain_rates, pattern_rates = found["Andén"], found["with a pattern"]
    return [
        rates(
            "ingest of events, compared with psql \\copy", "rows/s", plain_rates, found["\\copy"], target=COPY_TARGET
        ),
        rates(
            "ingest of events with a pattern, compared with without",
            "rows/s",
            pattern_rates,
            plain_rates,
            target=PATTERN_TARGET,
        ),
        worker_memory("events", process.peak_bytes),
    ]


def send(servers: Servers, count: int) -> None:
    """Create the topic, and send so many events."""
    topics_make(servers.kafka.bootstrap, [PLAIN], partitions=PARTITIONS)
    fill(
        servers.kafka.bootstrap,
        (OutgoingRecord(PLAIN, number % PARTITIONS, EVENTS.value(number)) for number in range(count)),
    )


def _rows(servers: Servers, count: int) -> CopyFile:
    """The rows that the events become."""
    rows = (
        (*EVENTS.fields(number).values(), number % PARTITIONS + 1, number // PARTITIONS, 1) for number in range(count)
    )
    return copy_file(servers.folder / "events.csv", (*EVENTS.columns, "_source", "_offset", "_batch"), rows)
