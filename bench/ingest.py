"""Compares ingest with psql's \\copy and with common consumer loops."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Final

from bench.flights import NAME, columns, fill_topic, flights, fresh_dataset, write_csv
from bench.psql import timed_psql
from bench.result import Result, limit, rates
from bench.servers import Servers
from bench.stock.loops import bulk_rate, create_rate

COPY_TARGET: Final = 0.6
CREATE_TARGET: Final = 100.0
BULK_TARGET: Final = 15.0
MEMORY_LIMIT_MIB: Final = 250.0
MIB: Final = 1024 * 1024


@dataclass
class Figures:
    """The rounds' results: rows per second, and the worker's peak memory in bytes."""

    anden: list[float] = field(default_factory=list)
    copy: list[float] = field(default_factory=list)
    create: list[float] = field(default_factory=list)
    bulk: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)


def measure(servers: Servers, *, passes: int, rounds: int) -> list[Result]:
    """Measure ingest over `passes` times the flights."""
    records = flights()
    count = passes * len(records)
    csv = servers.folder / "rows.csv"
    fill_topic(records, servers.kafka.bootstrap, passes=passes)
    write_csv(records, csv, passes=passes)
    copy = f"\\copy data.{NAME} ({columns(records)}) FROM '{csv}' WITH (FORMAT csv)"
    figures = Figures()
    # The first round warms up the broker's JIT compiler and all caches, and is not counted.
    _sides(servers, count, copy, Figures(), order=("copy", "anden"))
    for number in range(rounds):
        # The order alternates, so that neither side always runs on the warmer machine.
        _sides(servers, count, copy, figures, order=("anden", "copy") if number % 2 else ("copy", "anden"))
        _loops(servers, figures)
        print(f"  ingest, round {number + 1} of {rounds}: {_state(figures)}", flush=True)
    csv.unlink()
    return results(figures)


def results(figures: Figures) -> list[Result]:
    """The results of these figures."""
    return [
        rates("ingest, compared with psql \\copy", "rows/s", figures.anden, figures.copy, target=COPY_TARGET),
        rates("ingest, compared with create() each", "rows/s", figures.anden, figures.create, target=CREATE_TARGET),
        rates("ingest, compared with bulk_create(1000)", "rows/s", figures.anden, figures.bulk, target=BULK_TARGET),
        limit("memory of the worker, its peak", "MiB", max(figures.peaks) / MIB, most=MEMORY_LIMIT_MIB),
    ]


def _sides(servers: Servers, count: int, copy: str, figures: Figures, *, order: tuple[str, str]) -> None:
    for side in order:
        fresh_dataset(months=side == "copy")
        servers.checkpoint()
        if side == "anden":
            _ingest(count, figures)
        else:
            figures.copy.append(count / timed_psql(copy))


def _ingest(count: int, figures: Figures) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.worker", str(count)], stdout=subprocess.PIPE, text=True, check=True
    )
    output = json.loads(done.stdout)
    if output["rows"] != count:
        raise RuntimeError(f"the worker stored {output['rows']} rows of {count}")
    figures.anden.append(count / output["seconds"])
    figures.peaks.append(output["peak_bytes"])


def _loops(servers: Servers, figures: Figures) -> None:
    """Measure the loops, which are slow, with a part of the records."""
    fresh_dataset(months=True)
    servers.checkpoint()
    figures.create.append(create_rate(servers.kafka.bootstrap, count=1_000))
    fresh_dataset(months=True)
    servers.checkpoint()
    figures.bulk.append(bulk_rate(servers.kafka.bootstrap, count=20_000))


def _state(figures: Figures) -> str:
    last = {"anden": figures.anden, "\\copy": figures.copy, "create()": figures.create, "bulk_create": figures.bulk}
    return ", ".join(f"{name} {series[-1]:,.0f}" for name, series in last.items()) + " rows/s"
