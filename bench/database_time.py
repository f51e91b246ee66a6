"""Measures the overhead of timing a query: Andén's cursors compared with psycopg's and Django's, on one PostgreSQL.

It runs in a child process that writes its metrics to a folder, as every process of Andén does.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import Any, Final

import django
import psycopg

from bench.result import Result, limit
from bench.servers import Servers

MOST_US: Final = 25.0
QUERIES: Final = 2_000
PASSES: Final = 5
"""Short alternating passes, so that load on a shared machine affects both sides equally."""

SHORT: Final = "SELECT 1"
LONG: Final = (
    'SELECT "f"."id", '
    + ", ".join(f'"f"."column_{number}", "f"."updated_at_{number}"' for number in range(40))
    + ' FROM "flights" AS "f" WHERE "f"."origin" IN (%s, %s) ORDER BY "f"."id" LIMIT 100 FOR UPDATE'
)
"""A statement like the ORM's, with a clause that requires parsing all of it."""

Query = Callable[[], object]


def measure(servers: Servers, *, rounds: int) -> list[Result]:
    """Measure the overhead, microseconds: raw cursors, Django's with and without a pool, and parsing."""
    folder = servers.folder / "database-time"
    done = subprocess.run(
        [sys.executable, "-m", "bench.database_time", servers.postgres.admin_url, str(rounds)],
        env={**os.environ, "ANDEN_MONITORING_METRICS_FOLDER": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout)
    for name, (plain, timed, _) in figures["queries"].items():
        print(f"  {name}: {plain:.1f} µs per query untimed, {timed:.1f} µs timed, {timed / plain:.3f} times")
    costs = [
        limit(f"timing of a query, {name}", "µs", cost, most=MOST_US)
        for name, (_, _, cost) in figures["queries"].items()
    ]
    return [*costs, limit("operation of a long statement", "µs", figures["reading"], most=MOST_US)]


def main(url: str, rounds: int) -> None:
    """Print the queries' cost as JSON, microseconds: untimed, timed, and the median difference."""
    django.setup()
    with ExitStack() as stack:
        pairs = {
            "raw": _raw(stack, url),
            "Django": _wrapped(stack, {}),
            "Django, pool": _wrapped(stack, {"pool": {"min_size": 1, "max_size": 2}}),
        }
        queries = {name: _cost(*pair, rounds=rounds) for name, pair in pairs.items()}
        json.dump({"queries": queries, "reading": _reading(rounds)}, sys.stdout)


def _raw(stack: ExitStack, url: str) -> tuple[Query, Query]:
    from apps.telemetry.postgresql.cursors import timed_cursor  # noqa: PLC0415 - after Django's setup

    plain = stack.enter_context(psycopg.connect(url, autocommit=True))
    timed = stack.enter_context(psycopg.connect(url, autocommit=True, cursor_factory=timed_cursor("bench")))
    return lambda: plain.execute(SHORT).fetchone(), lambda: timed.execute(SHORT).fetchone()


def _wrapped(stack: ExitStack, options: dict[str, Any]) -> tuple[Query, Query]:
    from django.db.backends.postgresql.base import DatabaseWrapper as Plain  # noqa: PLC0415

    from apps.telemetry.postgresql.base import DatabaseWrapper as Timed  # noqa: PLC0415

    plain, timed = (stack.enter_context(_database(kind, options)) for kind in (Plain, Timed))
    return lambda: _ask(plain), lambda: _ask(timed)


@contextmanager
def _database(kind: Any, options: dict[str, Any]) -> Iterator[Any]:
    from django.db import connections  # noqa: PLC0415

    settings = connections["default"].settings_dict
    database = kind({**settings, "OPTIONS": options, "CONN_HEALTH_CHECKS": False}, alias=f"bench{len(options)}")
    try:
        yield database
    finally:
        database.close()
        database.close_pool()


def _ask(database: Any) -> None:
    with database.cursor() as cursor:
        cursor.execute(SHORT)
        cursor.fetchone()


def _cost(plain: Query, timed: Query, *, rounds: int) -> tuple[float, float, float]:
    pairs = [(_us(plain), _us(timed)) for _ in range(rounds * PASSES)]
    baseline, anden = (statistics.median(side) for side in zip(*pairs, strict=True))
    return baseline, anden, statistics.median(timed - plain for plain, timed in pairs)


def _us(query: Query) -> float:
    """Microseconds per call."""
    started = perf_counter()
    for _ in range(QUERIES):
        query()
    return (perf_counter() - started) / QUERIES * 1e6


def _reading(rounds: int) -> float:
    """Microseconds to classify a known statement of 1,600 characters."""
    from apps.telemetry.postgresql.operation import operation_of  # noqa: PLC0415

    return statistics.median(_us(lambda: operation_of(LONG)) for _ in range(rounds * PASSES))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
