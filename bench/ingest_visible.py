"""Measures how long after it was produced a record is visible over HTTP, at half of the rate of one dataset."""

import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final

from bench.api import served_dataset
from bench.datasets import dropped, recreated
from bench.http import Site
from bench.paced_stream import FILLERS, PARTITIONS
from bench.quantiles import quantile
from bench.record_kinds import ORDERS
from bench.result import Result, limit
from bench.servers import Servers
from bench.topics import OutgoingRecord, fill, topics_make
from bench.worker_process import WorkerProcess

MOST_MS: Final = 1_000.0
BACKLOG: Final = 200_000
SECONDS: Final = 20.0
QUICK_SECONDS: Final = 8.0
SETTLE_S: Final = 2.0
LOAD: Final = 0.5
POLL_S: Final = 0.005
PATIENCE_S: Final = 30.0
NAME: Final = "visible"


def measure(servers: Servers, *, rounds: int, quick: bool) -> list[Result]:
    """Measure the time from the producer's call to the first HTTP response with the record."""
    del rounds  # one long run, not rounds: there is no baseline
    topics_make(servers.kafka.bootstrap, [NAME], partitions=PARTITIONS)
    recreated(ORDERS.document(NAME, filters=["id"]))
    rate = LOAD * _full_rate(servers)
    with served_dataset(servers.folder, NAME) as site, _ingesting():
        waits_ms = [1_000 * wait_s for wait_s in _waits(site, rate, QUICK_SECONDS if quick else SECONDS)]
    dropped(NAME)
    p50, p99 = quantile(waits_ms, 0.5), quantile(waits_ms, 0.99)
    print(f"  visible       {rate:,.0f} rows/s: p50 {p50:.0f} ms, p99 {p99:.0f} ms of {len(waits_ms)}", flush=True)
    return [
        limit(f"produce to visible over HTTP at half load, {label}", "ms", figure, most=MOST_MS)
        for label, figure in (("p50", p50), ("p99", p99))
    ]


def _full_rate(servers: Servers) -> float:
    """Rows per second of the dataset's worker with a backlog, warm."""
    with WorkerProcess(NAME, servers.folder) as process:
        for _ in range(2):
            records = (
                OutgoingRecord(NAME, number % PARTITIONS, ORDERS.value(number % FILLERS)) for number in range(BACKLOG)
            )
            fill(servers.kafka.bootstrap, records)
            run = process.read([NAME], BACKLOG)
    return BACKLOG / run.seconds


@contextmanager
def _ingesting() -> Iterator[None]:
    """The dataset's worker, as it runs in production."""
    with subprocess.Popen([sys.executable, "manage.py", "ingest", NAME], stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def _waits(site: Site, rate: float, seconds: float) -> list[float]:
    """The seconds until each probe was visible, without those of the first seconds."""
    words = [sys.executable, "-m", "bench.paced_stream", NAME, str(rate), str(SETTLE_S + seconds)]
    probes: deque[tuple[int, float]] = deque()
    waits: list[tuple[float, float]] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as stream, site.connection() as connection:
        reader = Thread(target=_collect, args=(stream, probes))
        reader.start()
        while reader.is_alive() or probes:
            if not probes:
                time.sleep(POLL_S)
                continue
            number, sent_s = probes[0]
            path = f"/api/v1/datasets/{NAME}/records?id={number}&limit=1&fields=id"
            found = json.loads(site.get(connection, path))["records"]
            wait_s = time.monotonic() - sent_s
            if found:
                waits.append((sent_s, wait_s))
                probes.popleft()
            elif wait_s > PATIENCE_S:
                stream.kill()
                raise RuntimeError(f"record {number} is not visible after {PATIENCE_S:.0f} s")
            else:
                time.sleep(POLL_S)
    return [wait_s for sent_s, wait_s in waits if sent_s >= waits[0][0] + SETTLE_S]


def _collect(stream: "subprocess.Popen[str]", probes: deque[tuple[int, float]]) -> None:
    for line in stream.stdout or ():
        number, sent_s = line.split()
        probes.append((int(number), float(sent_s)))
