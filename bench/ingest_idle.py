"""Measures a worker of many datasets without records: its start and its refreshes."""

import statistics
from typing import Final

from bench.datasets import all_dropped, recreated
from bench.query_log import query_log
from bench.record_kinds import ORDERS
from bench.result import Result, limit, worker_memory
from bench.servers import Servers
from bench.topics import topics_make
from bench.worker_process import WorkerProcess

COUNTS: Final = (1_000, 3_000)
QUICK_COUNTS: Final = (300, 1_000)
REFRESHES: Final = 5
REFRESH_LIMIT_MS: Final = 20.0
QUERIES_LIMIT: Final = 20.0


def measure(servers: Servers, *, rounds: int, quick: bool) -> list[Result]:
    """Measure a worker of 1,000 and of 3,000 idle datasets. It stays the last measurement of its servers."""
    all_dropped()
    found: list[Result] = []
    names: list[str] = []
    for count in QUICK_COUNTS if quick else COUNTS:
        more = [f"idle_{number}" for number in range(len(names), count)]
        topics_make(servers.kafka.bootstrap, more)
        for name in more:
            recreated(ORDERS.document(name))
        names += more
        found += _measured(servers, count, refreshes=max(rounds, REFRESHES))
    return found


def _measured(servers: Servers, count: int, *, refreshes: int) -> list[Result]:
    with query_log(servers) as log, WorkerProcess(f"idle-{count}", servers.folder) as process:
        process.begin("idle", partitions=count, refreshes=refreshes)
        seconds = process.answer()["seconds"]
        queries = log.queries()
        costs_ms = [1_000 * cost_s for cost_s in process.answer()["refresh_s"]]
        peak = process.peak_bytes
    shown = ", ".join(f"{cost_ms:.1f}" for cost_ms in costs_ms)
    print(
        f"  idle          {count:,}: reading after {seconds:.1f} s, {queries:,} queries; refreshes {shown} ms",
        flush=True,
    )
    label = f"{count:,} idle datasets"
    return [
        limit(f"{label}, CPU time of a refresh", "ms", statistics.median(costs_ms), most=REFRESH_LIMIT_MS),
        limit(f"{label}, queries at the start", "queries", queries, most=QUERIES_LIMIT),
        worker_memory(label, peak),
    ]
