"""Compares the API's pages with a stock viewset, and its export with psql's \\copy TO."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.core.management import call_command

from bench.flights import NAME, flights, flights_file, fresh_dataset
from bench.http import Site, download_seconds, gunicorn, next_path, page_rate, web_server
from bench.memory import MemoryWatch
from bench.psql import timed_psql
from bench.result import Result, limit, rates
from bench.servers import Servers

PAGE_TARGET: Final = 4.0
EXPORT_TARGET: Final = 0.6
MEMORY_LIMIT_MIB: Final = 100.0
MIB: Final = 1024 * 1024
CLIENTS: Final = 2
ANDEN_PAGES: Final = 150
STOCK_PAGES: Final = 30
RECORDS: Final = f"/api/v1/datasets/{NAME}/records"
STOCK_SETTINGS: Final = "bench.stock.settings"


def measure(servers: Servers, *, rounds: int) -> list[Result]:
    """Measure the API over all flights, with the sample contract's indexes."""
    count = loaded_flights(servers)
    with served_dataset(servers.folder, NAME) as anden, _stock(servers.folder) as stock:
        _same_rows(anden, stock)
        pages = _pages(anden, stock, rounds)
        return [pages, *_exports(anden, servers.folder, rounds, count)]


def loaded_flights(servers: Servers) -> int:
    """Load all flights once; return their number."""
    fresh_dataset(indexes=True, months=True)
    rows = flights_file(flights(), servers.folder / "flights.csv", passes=1)
    rows.rate(NAME)
    rows.path.unlink()
    servers.vacuum(f"data.{NAME}")
    return rows.rows


@contextmanager
def served_dataset(folder: Path, dataset: str) -> Iterator[Site]:
    """Andén's web server, with a key for the dataset."""
    key = folder / f"{dataset}.key"
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("clients", "create", f"bench-{dataset}", "--grant", f"{dataset}:read", "--key-file", str(key))
    headers = {"Authorization": f"Bearer {key.read_text().strip()}"}
    with web_server(headers) as site:
        yield site


@contextmanager
def _stock(folder: Path) -> Iterator[Site]:
    token = subprocess.run(
        [sys.executable, "-m", "bench.stock.token"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": STOCK_SETTINGS},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    with gunicorn("bench.stock.wsgi", STOCK_SETTINGS, {"Authorization": f"Token {token}"}) as site:
        yield site


def _same_rows(anden: Site, stock: Site) -> None:
    """Check that both return the same hundred flights. Raises RuntimeError."""
    with anden.connection() as anden_connection, stock.connection() as stock_connection:
        own = json.loads(anden.get(anden_connection, f"{RECORDS}?limit=100"))["records"]
        baseline = json.loads(stock.get(stock_connection, "/flights/"))["results"]
    compared = [name for name in baseline[0] if name not in {"pk", "time_hour"}]
    if len(own) != 100 or [[row[name] for name in compared] for row in own] != [
        [row[name] for name in compared] for row in baseline
    ]:
        raise RuntimeError("the two APIs return different flights")


def _pages(anden: Site, stock: Site, rounds: int) -> Result:
    own, baseline = [], []
    for number in range(rounds):
        own.append(page_rate(anden, f"{RECORDS}?limit=100", next_path, pages=ANDEN_PAGES, clients=CLIENTS))
        baseline.append(
            page_rate(stock, "/flights/", lambda _, n: f"/flights/?page={n + 1}", pages=STOCK_PAGES, clients=CLIENTS)
        )
        print(f"  pages, round {number + 1} of {rounds}: Andén {own[-1]:,.0f}, stock {baseline[-1]:,.0f} a second")
    return rates("page of 100, compared with a stock viewset", "pages/s", own, baseline, target=PAGE_TARGET)


def _exports(anden: Site, folder: Path, rounds: int, count: int) -> list[Result]:
    fields = ", ".join(flights().columns)
    own, baseline, growth = [], [], 0
    out = folder / "export.csv"
    for number in range(rounds):
        with MemoryWatch(anden.pid) as watch:
            own.append(count / download_seconds(anden, f"{RECORDS}.csv", out))
        growth = max(growth, watch.growth)
        lines = _lines(out)
        if lines != count + 1:
            raise RuntimeError(f"the export has {lines} lines instead of {count + 1}")
        baseline.append(
            count / timed_psql(f"\\copy (SELECT {fields} FROM data.{NAME}) TO '{out}' WITH (FORMAT csv, HEADER)")
        )
        print(f"  export, round {number + 1} of {rounds}: Andén {own[-1]:,.0f}, \\copy {baseline[-1]:,.0f} rows/s")
    out.unlink()
    return [
        rates("CSV export, compared with psql \\copy TO", "rows/s", own, baseline, target=EXPORT_TARGET),
        limit("memory of the web server, growth", "MiB", growth / MIB, most=MEMORY_LIMIT_MIB),
    ]


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
