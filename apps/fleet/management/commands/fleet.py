"""`manage.py fleet …`: evaluate the fleet, list and show its services, simulate one."""

import json
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from apps.datasets.adapters.database.error_messages import explain_database_error
from apps.datasets.management.base import AndenCommand
from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.engine.report import as_dict, report
from apps.fleet.errors import EvaluatorBusy
from apps.fleet.management.output import list_lines, queries_text, show_dict, show_lines
from apps.fleet.management.simulate import add_simulate_arguments, moment_s, simulate
from apps.fleet.selectors.fleet import fleet_is_stale, fleet_newest, fleet_stale_reason
from apps.fleet.selectors.service import service_view
from apps.fleet.selectors.services import service_list
from apps.fleet.services.evaluation import EvaluationResult, fleet_dry_run, fleet_evaluate, fleet_release_lock
from apps.fleet.services.source import fleet_source, missing_path, signal_queries
from apps.fleet.sources.source import SignalSource
from apps.telemetry.errors import MonitoringError

_RETRY_S: Final = 10.0
"""Retry a failed evaluation after at most this many seconds."""
_FILE_WAIT_S: Final = 60.0
"""At startup, wait this long for a missing source file before reporting a failure."""
SOURCES: Final = ("prometheus", "file", "cloudwatch")


class Command(AndenCommand):
    """Finds the unhealthy service among fifty or ten thousand, and explains why."""

    expected_errors = (MonitoringError,)

    help = "Evaluate the fleet of services, show its state, or simulate a fleet."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        one = actions.add_parser("evaluate", help="Compare every service with its own past and its peers.")
        one.add_argument("--source", choices=SOURCES, help="signal source (ANDEN_FLEET_SOURCE)")
        one.add_argument("--file", type=Path, help="file or folder for the source file (ANDEN_FLEET_FILE)")
        one.add_argument(
            "--every",
            type=float,
            nargs="?",
            const=settings.FLEET.every_s,
            metavar="S",
            help="repeat every S seconds until interrupted (ANDEN_FLEET_EVERY_S)",
        )
        one.add_argument("--at", metavar="TIME", help="evaluate as of this time, ISO 8601, instead of now")
        one.add_argument("--json", action="store_true", help="print JSON")
        every = actions.add_parser("list", help="List the services: outliers, services without data, then by score.")
        every.add_argument("--json", action="store_true", help="print JSON")
        service = actions.add_parser("show", help="Show the six signals of one service.")
        service.add_argument("service")
        service.add_argument("--json", action="store_true", help="print JSON")
        actions.add_parser("queries", help="Print the PromQL of each signal, as a file for ANDEN_FLEET_SIGNALS.")
        add_simulate_arguments(actions.add_parser("simulate", help="Simulate a fleet, as files for the source file."))

    def handle(self, *_args: Any, **options: Any) -> None:
        match options["action"]:
            case "evaluate":
                self._evaluate(options)
            case "list":
                self._print(options, service_list(), list_lines)
            case "show":
                self._show_service(options["service"], as_json=options["json"])
            case "queries":
                self.stdout.write(queries_text(signal_queries(settings.FLEET.signals)), ending="")
            case "simulate":
                simulate(options, say=self._say, stop_event=_stop_event_on_signals)

    def _print(self, options: dict[str, Any], rows: Any, lines: Any) -> None:
        if options["json"]:
            self.stdout.write(json.dumps([row.as_dict() for row in rows], indent=2))
        else:
            self._write(lines(rows))

    def _show_service(self, name: str, *, as_json: bool) -> None:
        view = service_view(name)
        if view is None:
            raise CommandError(f"unknown service {name!r}: `manage.py fleet list` lists the known ones")
        now = timezone.now()
        newest = fleet_newest(now)
        stale_reason = fleet_stale_reason(newest, now)
        state = ServiceState.NO_DATA if newest is None or fleet_is_stale(newest, now) else view.state
        if as_json:
            self.stdout.write(json.dumps(show_dict(view, state, stale_reason), indent=2))
        else:
            self._write(show_lines(view, state, stale_reason))

    def _evaluate(self, options: dict[str, Any]) -> None:
        source = fleet_source(options["source"] or "", file=options["file"])
        every_s = options["every"]
        if every_s is None:
            self._show(*_evaluate_once(source, moment_s(options["at"])), as_json=options["json"])
            return
        if every_s < 1 or options["at"]:
            raise CommandError("--every needs at least 1 second and cannot be combined with --at")
        stop, logged = _stop_event_on_signals(), ""
        self._wait_for_file(source, stop)
        while not stop.is_set():
            began_s, pause_s = time.monotonic(), every_s
            try:
                line = _summary(fleet_evaluate(source, at_s=time.time(), keep_lock=True))
            except MonitoringError as error:
                line, pause_s = f"{type(error).__name__}: {error}", min(every_s, _RETRY_S)
            except (DatabaseError, InterfaceError) as error:
                fleet_release_lock()
                line, pause_s = explain_database_error(self.alias, error), min(every_s, _RETRY_S)
            if line != logged:  # log changes only
                self._log(line)
                logged = line
            stop.wait(max(pause_s - (time.monotonic() - began_s), 0.1))

    def _wait_for_file(self, source: SignalSource, stop: threading.Event) -> None:
        """Wait for the source's file at startup, and log that."""
        deadline = time.monotonic() + _FILE_WAIT_S
        if missing := missing_path(source):
            self._log(f"{missing} does not exist yet: waiting up to {_FILE_WAIT_S:.0f} s")
        while missing_path(source) and time.monotonic() < deadline and not stop.wait(0.2):
            pass

    def _show(self, result: EvaluationResult, why_not: str, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({**as_dict(result.evaluation), "stored": result.stored}, indent=2))
            return
        self._write(report(result.evaluation, days=settings.FLEET.days))
        stored = f"stored {result.store_s:.2f} s" if result.stored else f"not stored: {why_not}"
        self._write(("", f"Read {result.read_s:.2f} s, scored {result.score_s:.2f} s, {stored}."))

    def _write(self, lines: Any) -> None:
        self.stdout.write("\n".join(lines))

    def _log(self, line: str) -> None:
        self._say(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}  {line}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _evaluate_once(source: SignalSource, at_s: float) -> tuple[EvaluationResult, str]:
    """The result of one evaluation, and why it is not stored if so."""
    try:
        return fleet_evaluate(source, at_s=at_s), "a newer evaluation exists"
    except EvaluatorBusy:
        pass  # evaluate outside of this block: an error there has nothing to do with the other process
    return fleet_dry_run(source, at_s=at_s), "another process is evaluating the fleet"


def _summary(result: EvaluationResult) -> str:
    """One log line: how many services are outliers, and which."""
    evaluation = result.evaluation
    names = list(dict.fromkeys(flag.service for flag in evaluation.flags if not flag.zone))
    who = f": {', '.join(names[:5])}{f' and {len(names) - 5:,} more' if len(names) > 5 else ''}" if names else ""
    events = f", {len(evaluation.events)} events" if evaluation.events else ""
    return f"{len(evaluation.services):,} services, {len(names):,} outliers{who}{events}"


def _stop_event_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
