"""Compares ingest of flights with psql's \\copy and with common consumer loops."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bench.flights import NAME, fill_topic, flights, flights_file, fresh_dataset
from bench.interleaved import Side, interleaved
from bench.result import Result, rates, worker_memory
from bench.servers import Servers
from bench.stock.loops import bulk_rate, create_rate
from bench.worker_process import WorkerProcess

COPY_TARGET: Final = 0.8
CREATE_TARGET: Final = 100.0
BULK_TARGET: Final = 15.0
PASSES: Final = 3
CREATED: Final = 1_000
BULK_CREATED: Final = 20_000


def measure(servers: Servers, *, rounds: int, quick: bool) -> list[Result]:
    """Measure ingest of all flights, several times each."""
    passes = 1 if quick else PASSES
    records = flights()
    fill_topic(records, servers.kafka.bootstrap, passes=passes)
    rows = flights_file(records, servers.folder / "flights.csv", passes=passes)

    def anden() -> Mapping[str, float]:
        fresh_dataset()
        servers.checkpoint()
        return {"Andén": rows.rows / process.read([NAME], rows.rows).seconds}

    def baseline(label: str, rate: Callable[[], float]) -> Side:
        def measured() -> Mapping[str, float]:
            fresh_dataset(months=True)
            servers.checkpoint()
            return {label: rate()}

        return measured

    bootstrap = servers.kafka.bootstrap
    baselines = [
        baseline("\\copy", lambda: rows.rate(NAME)),
        baseline("create()", lambda: create_rate(bootstrap, count=CREATED)),
        baseline("bulk_create", lambda: bulk_rate(bootstrap, count=BULK_CREATED)),
    ]
    with WorkerProcess("flights", servers.folder) as process:
        found = interleaved("flights", [anden, *baselines], rounds=rounds)
    rows.path.unlink()
    return [*results(found), worker_memory("flights", process.peak_bytes)]


def results(found: Mapping[str, Sequence[float]]) -> list[Result]:
    """The results of these rates."""
    targets = {
        "psql \\copy": ("\\copy", COPY_TARGET),
        "create() each": ("create()", CREATE_TARGET),
        "bulk_create(1000)": ("bulk_create", BULK_TARGET),
    }
    return [
        rates(f"ingest of flights, compared with {words}", "rows/s", found["Andén"], found[side], target=target)
        for words, (side, target) in targets.items()
    ]
