"""`python -m bench.upsert_workers`: many workers of one upsert topic, whose partitions all hold the same keys.

It counts PostgreSQL's deadlocks, and checks that every record was stored and every worker ended in order.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bench.paths import set_paths

if TYPE_CHECKING:
    import psycopg

    from bench.servers import Servers

WORKERS: Final = 16
SECONDS: Final = 600.0
NAME: Final = "contended"
KEYS: Final = 20_000
AHEAD: Final = 200_000
"""How many records the producer is ahead of the workers, at most."""

LOOK_S: Final = 0.2
REPORT_S: Final = 30.0
PATIENCE_S: Final = 120.0
DEADLOCKS: Final = "SELECT deadlocks FROM pg_stat_database WHERE datname = 'anden'"
STORED: Final = "SELECT coalesce(sum(next_offset), 0) FROM ingest_source"


@dataclass(frozen=True, slots=True)
class ContentionReport:
    """What the workers did. `exits` are their exit codes."""

    workers: int
    seconds: float
    sent: int
    stored: int
    keys: int
    deadlocks: int
    exits: tuple[int, ...]

    @property
    def problems(self) -> list[str]:
        """What is not as it must be."""
        found = {
            f"{self.deadlocks} deadlocks": self.deadlocks,
            f"{self.stored:,} records stored of {self.sent:,}": self.stored != self.sent,
            f"{self.keys:,} keys stored of {KEYS:,}": self.keys != KEYS,
            f"exit codes {self.exits}": any(self.exits),
        }
        return [problem for problem, holds in found.items() if holds]

    def __str__(self) -> str:
        verdict = f"FAILS: {'; '.join(self.problems)}" if self.problems else "holds: 0 deadlocks, every record stored"
        return (
            f"{self.workers} workers on one upsert topic, {self.seconds:.0f} s: {self.stored:,} records, "
            f"{self.stored / self.seconds:,.0f} a second; {verdict}"
        )


def measure(servers: "Servers", *, workers: int, seconds: float) -> ContentionReport:
    """Run the workers while records are sent for that long, and until all are stored."""
    import psycopg  # noqa: PLC0415 - only where servers are

    from bench.datasets import recreated  # noqa: PLC0415 - after Django's setup
    from bench.record_kinds import KEYED_ORDERS  # noqa: PLC0415
    from bench.topics import topics_make  # noqa: PLC0415

    topics_make(servers.kafka.bootstrap, [NAME], partitions=workers)
    recreated(KEYED_ORDERS.document(NAME, mode="upsert"))
    with psycopg.connect(servers.postgres.admin_url, dbname="anden", autocommit=True) as connection:
        before = _number(connection, DEADLOCKS)
        with _started(workers) as processes:
            began_s = time.monotonic()
            sent = _send(servers, connection, workers=workers, seconds=seconds)
            _wait(connection, sent)
            took_s = time.monotonic() - began_s
        stored, keys = _number(connection, STORED), _number(connection, f"SELECT count(*) FROM data.{NAME}")
        connection.execute("SELECT pg_stat_clear_snapshot()")
        deadlocks = _number(connection, DEADLOCKS) - before
    return ContentionReport(workers, took_s, sent, stored, keys, deadlocks, tuple(one.returncode for one in processes))


@contextmanager
def _started(workers: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The workers, as they run in production; ended by SIGTERM."""
    command = [sys.executable, "manage.py", "ingest", NAME]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(workers)]
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _send(servers: "Servers", connection: "psycopg.Connection[Any]", *, workers: int, seconds: float) -> int:
    """Send records to all partitions in turn, a bounded number ahead of the workers; return how many."""
    from bench.record_kinds import KEYED_ORDERS  # noqa: PLC0415 - after the path
    from bench.steady_stream import RoundRobin  # noqa: PLC0415
    from bench.topics import flush, produce, producer_make  # noqa: PLC0415

    values = [KEYED_ORDERS.value(number * 7_919 % KEYS) for number in range(KEYS)]
    producer = producer_make(servers.kafka.bootstrap)
    began_s = reported_s = time.monotonic()
    sent = stored = 0
    for run in RoundRobin([(NAME, partition) for partition in range(workers)], values).runs():
        now_s = time.monotonic()
        if now_s >= began_s + seconds:
            break
        while sent - stored >= AHEAD and time.monotonic() < began_s + seconds:
            producer.poll(LOOK_S)
            stored = _number(connection, STORED)
        if now_s >= reported_s + REPORT_S:
            reported_s = now_s
            print(f"  {now_s - began_s:4.0f} s: {stored:>12,} records stored", flush=True)
        for record in run:
            produce(producer, record)
        sent += len(run)
    flush(producer)
    return sent


def _wait(connection: "psycopg.Connection[Any]", sent: int) -> None:
    """Wait until the workers have stored every record, or too long."""
    deadline_s = time.monotonic() + PATIENCE_S
    while _number(connection, STORED) < sent and time.monotonic() < deadline_s:
        time.sleep(LOOK_S)


def _number(connection: "psycopg.Connection[Any]", query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def main(arguments: list[str]) -> int:
    """Measure and print; return 1 if the claim fails."""
    parser = argparse.ArgumentParser(prog="python -m bench.upsert_workers", description=__doc__)
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"workers and partitions (default {WORKERS})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"how long to send (default {SECONDS:.0f})")
    options = parser.parse_args(arguments)
    set_paths()
    from bench.servers import servers  # noqa: PLC0415 - after the path

    with servers() as running:
        report = measure(running, workers=options.workers, seconds=options.seconds)
    print(f"\n{report}")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
