"""Compares ingest of flights with psql's \\copy and with common consumer loops."""

from collections.abc import Mapping
from typing import Final

from bench.flights import NAME, fill_topic, flights, flights_file, fresh_dataset
from bench.interleaved import interleaved
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

    def copy() -> Mapping[str, float]:
        fresh_dataset(months=True)
        servers.checkpoint()
        return {"\\copy": rows.rate(NAME)}

    def create() -> Mapping[str, float]:
        fresh_dataset(months=True)
        servers.checkpoint()
        return {"create()": create_rate(servers.kafka.bootstrap, count=CREATED)}

    def bulk_create() -> Mapping[str, float]:
        fresh_dataset(months=True)
        servers.checkpoint()
        return {"bulk_create": bulk_rate(servers.kafka.bootstrap, count=BULK_CREATED)}

    with WorkerProcess("flights", servers.folder) as process:
        found = interleaved("flights", [copy, anden, create, bulk_create], rounds=rounds)
    rows.path.unlink()
    return [
        rates(
            "ingest of flights, compared with psql \\copy",
            "rows/s",
            found["Andén"],
            found["\\copy"],
            target=COPY_TARGET,
        ),
        rates(
            "ingest of flights, compared with create() each",
            "rows/s",
            found["Andén"],
            found["create()"],
            target=CREATE_TARGET,
        ),
        rates(
            "ingest of flights, compared with bulk_create(1000)",
            "rows/s",
            found["Andén"],
            found["bulk_create"],
            target=BULK_TARGET,
        ),
        worker_memory("flights", process.peak_bytes),
    ]
