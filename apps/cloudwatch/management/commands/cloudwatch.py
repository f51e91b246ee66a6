"""`manage.py cloudwatch plan|collect|cost`: the shared resources that AWS runs, within a budget."""

import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from apps.cloudwatch.catalogue.catalogue import CATALOGUE
from apps.cloudwatch.client.boto import BotoCloudWatch
from apps.cloudwatch.client.budget import DatabaseRequestBudget
from apps.cloudwatch.client.metered import MeteredCloudWatch
from apps.cloudwatch.collector.batching import cycle_window
from apps.cloudwatch.collector.cost import month_forecast
from apps.cloudwatch.collector.queries import MetricQuery, catalogue_queries
from apps.cloudwatch.collector.report import NOTHING, cost_lines, plan_lines
from apps.cloudwatch.conf import CloudWatchSettings
from apps.cloudwatch.services import CloudWatchCollector, CollectionCycle, month_get
from apps.datasets.management.base import AndenCommand
from apps.telemetry.errors import MonitoringError


class Command(AndenCommand):
    """Plans, collects and reckons."""

    expected_errors = (MonitoringError,)

    help = "Read shared resources from CloudWatch, within a monthly budget."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("plan", help="What would be asked, by resource and metric, and what it costs.")
        actions.add_parser("cost", help="What this month has cost, and when the budget would stop it.")
        collect = actions.add_parser("collect", help="Ask, cycle after cycle, and export what comes.")
        collect.add_argument("--once", action="store_true", help="one cycle, and say what came")
        collect.add_argument(
            "--every", type=int, metavar="S", help="seconds between cycles (ANDEN_CLOUDWATCH_CYCLE_S)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do the action."""
        chosen: CloudWatchSettings = settings.CLOUDWATCH
        match options["action"]:
            case "plan":
                self._plan(chosen)
            case "cost":
                self._cost(chosen)
            case _:
                self._collect(chosen, once=options["once"], every_s=options["every"] or chosen.cycle_s)

    def _plan(self, chosen: CloudWatchSettings) -> None:
        window = cycle_window(time.time(), period_s=chosen.period_s, cycle_s=chosen.cycle_s)
        for line in plan_lines(_queries(chosen), window=window, cycle_s=chosen.cycle_s, budget_usd=chosen.budget_usd):
            self.stdout.write(line)

    def _cost(self, chosen: CloudWatchSettings) -> None:
        now_s = time.time()
        queries, month = _queries(chosen), month_get(now_s=now_s)
        expected = month_forecast(
            month.metrics_requested,
            metrics=len(queries),
            cycle_s=chosen.cycle_s,
            budget_usd=chosen.budget_usd,
            now_s=now_s,
        )
        for line in cost_lines(queries, expected, calls=month.calls, budget_usd=chosen.budget_usd, now_s=now_s):
            self.stdout.write(line)

    def _collect(self, chosen: CloudWatchSettings, *, once: bool, every_s: int) -> None:
        if every_s < chosen.period_s:
            raise CommandError(f"--every {every_s}: CloudWatch has a new point only every {chosen.period_s} s")
        leave = threading.Event()
        boto = BotoCloudWatch.from_settings(chosen)
        collector = CloudWatchCollector(
            MeteredCloudWatch(boto, DatabaseRequestBudget(chosen.budget_usd), sleep=_waiting(leave)),
            _queries(chosen),
            period_s=chosen.period_s,
            cycle_s=every_s,
            budget_usd=chosen.budget_usd,
        )
        try:
            if once:
                self._say(collector.collect(now_s=time.time()))
                for labels, value in sorted(collector.values(now_s=time.time()).items()):
                    self.stdout.write(f"{labels[2]}  {labels[0]} {labels[1]}  {value:g}")
                return
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: leave.set())
            self._run(collector, leave, every_s)
        finally:
            boto.close()

    def _run(self, collector: CloudWatchCollector, leave: threading.Event, every_s: int) -> None:
        """Run cycles at a fixed rate; a cycle that overruns skips the next ones."""
        begun, said = time.monotonic(), ""
        while not leave.is_set():
            cycle = collector.round(now_s=time.time())
            if cycle:
                self._say(cycle)
            elif collector.trouble != said:
                self.stderr.write(collector.trouble.partition(": ")[2])
            said = collector.trouble
            passed = time.monotonic() - begun
            leave.wait(every_s - passed % every_s)

    def _say(self, cycle: CollectionCycle) -> None:
        self.stdout.write(
            f"calls: {cycle.calls}, points in time: {cycle.timely}, late: {cycle.late}; "
            f"series with a current value: {cycle.current}, without: {cycle.missing}"
        )
        self.stdout.flush()


def _queries(chosen: CloudWatchSettings) -> tuple[MetricQuery, ...]:
    queries = catalogue_queries(CATALOGUE, chosen.resources, period_s=chosen.period_s)
    if not queries:
        raise CommandError(NOTHING)
    return queries


def _waiting(leave: threading.Event) -> Callable[[float], None]:
    """A sleep that ends when the process is asked to leave."""

    def wait(seconds: float) -> None:
        leave.wait(seconds)

    return wait
