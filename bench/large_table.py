"""`python -m bench.large_table`: ingest into a table of many rows, compared with an empty one.

Both tables have monthly partitions. The rows are spread evenly over two years, and the records belong to the last
month, which has its share of the rows.
"""

import argparse
import datetime
import sys
import time
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from bench.paths import set_paths

if TYPE_CHECKING:
    from bench.result import Result
    from bench.servers import Servers

ROWS: Final = 50_000_000
RECORDS: Final = 300_000
ROUNDS: Final = 5
TARGET: Final = 0.9
MONTHS: Final = 24
PARTITIONS: Final = 4
LARGE, EMPTY = "large", "empty"
LAST_MONTH: Final = datetime.date(2026, 1, 1)
"""The month of the first orders: see record_kinds.py."""

INSERT: Final = """
INSERT INTO data.large (id, at, customer, city, amount, paid, _source, _offset, _batch)
SELECT n, month + (interval '28 days' * n / %(rows)s), 'customer ' || n %% 5003, 'Madrid', n %% 1000003 / 100.0,
    n %% 3 = 0, 0, %(first)s + n, 1
FROM generate_series(0, %(rows)s - 1) n, (SELECT %(month)s::timestamptz AS month)
"""


def measure(servers: "Servers", *, rows: int, records: int, rounds: int) -> "Result":
    """The rate of ingest into the large table, compared with the empty one."""
    from bench.interleaved import interleaved  # noqa: PLC0415 - after Django's setup
    from bench.result import rates  # noqa: PLC0415
    from bench.worker_process import WorkerProcess  # noqa: PLC0415

    _load(servers, rows)
    turns = count()

    def large() -> Mapping[str, float]:
        _send(servers, LARGE, records)
        servers.checkpoint()
        return {LARGE: records / process.read([LARGE], records).seconds}

    def empty() -> Mapping[str, float]:
        topic = f"{EMPTY}_{next(turns)}"
        _dataset(servers, EMPTY, topic)
        _send(servers, topic, records)
        servers.checkpoint()
        return {EMPTY: records / process.read([EMPTY], records).seconds}

    with WorkerProcess("large-table", servers.folder) as process:
        found = interleaved("large table", [large, empty], rounds=rounds)
    name = f"ingest into a table of {rows:,} rows, compared with an empty one"
    return rates(name, "rows/s", found[LARGE], found[EMPTY], target=TARGET)


def _dataset(servers: "Servers", name: str, topic: str) -> None:
    """Create the dataset without rows, its topic, and the partitions of all months."""
    from apps.datasets.adapters.database.connections import connect  # noqa: PLC0415 - after Django's setup
    from apps.datasets.adapters.table.partitions import ensure_months  # noqa: PLC0415
    from bench.datasets import recreated  # noqa: PLC0415
    from bench.record_kinds import DATED_ORDERS  # noqa: PLC0415
    from bench.topics import topics_make  # noqa: PLC0415

    applied = recreated(DATED_ORDERS.document(name, topic=topic))
    topics_make(servers.kafka.bootstrap, [topic], partitions=PARTITIONS)
    with connect("ingest") as connection:
        ensure_months(connection, applied.id, month_before(MONTHS - 1), LAST_MONTH)


def _load(servers: "Servers", rows: int) -> None:
    """Fill the large table, one month after the other."""
    import psycopg  # noqa: PLC0415 - only where servers are

    _dataset(servers, LARGE, LARGE)
    url = servers.postgres.urls()["ANDEN_DATABASE_OWNER_URL"]
    began_s = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(MONTHS):
            values: dict[str, Any] = {"rows": rows // MONTHS, "first": number * rows, "month": month_before(number)}
            connection.execute(INSERT, values)
            done = (number + 1) * (rows // MONTHS)
            print(f"  {done:>12,} rows after {time.monotonic() - began_s:.0f} s", flush=True)
    servers.vacuum(f"data.{LARGE}")


def month_before(number: int) -> datetime.date:
    """The first day of the month that is so many months before the last one."""
    months = LAST_MONTH.year * 12 + LAST_MONTH.month - 1 - number
    return datetime.date(months // 12, months % 12 + 1, 1)


def _send(servers: "Servers", topic: str, records: int) -> None:
    from bench.record_kinds import DATED_ORDERS  # noqa: PLC0415 - after the path
    from bench.topics import OutgoingRecord, fill  # noqa: PLC0415

    fill(
        servers.kafka.bootstrap,
        (OutgoingRecord(topic, number % PARTITIONS, DATED_ORDERS.value(number)) for number in range(records)),
    )


def main(arguments: list[str]) -> int:
    """Measure and print; return 1 if the claim fails."""
    parser = argparse.ArgumentParser(prog="python -m bench.large_table", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows in the table (default {ROWS:,})")
    parser.add_argument("--records", type=int, default=RECORDS, help=f"records per run (default {RECORDS:,})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"interleaved rounds (default {ROUNDS})")
    options = parser.parse_args(arguments)
    set_paths()
    from bench.result import table  # noqa: PLC0415 - after the path
    from bench.servers import servers  # noqa: PLC0415

    with servers() as running:
        result = measure(running, rows=options.rows, records=options.records, rounds=options.rounds)
    print(f"\n{table([result])}")
    return 0 if result.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
