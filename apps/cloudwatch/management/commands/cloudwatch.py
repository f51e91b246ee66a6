"""`manage.py cloudwatch plan|collect|cost`: metrics of shared AWS resources, within a monthly budget."""

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
from apps.cloudwatch.collector.report import NO_RESOURCES, cost_lines, plan_lines
from apps.cloudwatch.conf import CloudWatchSettings
from apps.cloudwatch.services import CloudWatchCollector, CollectionCycle, month_get
from apps.datasets.management.base import AndenCommand
from apps.telemetry.errors import MonitoringError


class Command(AndenCommand):
    """Collect CloudWatch metrics and report their cost."""

    expected_errors = (MonitoringError,)

    help = "Collect metrics of shared AWS resources from CloudWatch, within a monthly budget."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("plan", help="show the metrics to collect, by resource, and their cost")
        actions.add_parser("cost", help="show this month's cost, and when the budget runs out")
        collect = actions.add_parser("collect", help="collect in cycles and export the values")
        collect.add_argument("--once", action="store_true", help="run one cycle and print its result")
        collect.add_argument(
            "--every", type=int, metavar="S", help="seconds between cycles (default: ANDEN_CLOUDWATCH_CYCLE_S)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
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
            raise CommandError(
                f"--every {every_s}: use {chosen.period_s} or more, CloudWatch has one point per {chosen.period_s} s"
            )
        stop = threading.Event()
        boto = BotoCloudWatch.from_settings(chosen)
        collector = CloudWatchCollector(
            MeteredCloudWatch(boto, DatabaseRequestBudget(chosen.budget_usd), sleep=_interruptible_sleep(stop)),
            _queries(chosen),
            period_s=chosen.period_s,
            cycle_s=every_s,
            budget_usd=chosen.budget_usd,
        )
        try:
            if once:
                self._print(collector.collect(now_s=time.time()))
                for labels, value in sorted(collector.values(now_s=time.time()).items()):
                    self.stdout.write(f"{labels[2]}  {labels[0]} {labels[1]}  {value:g}")
                return
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
            self._run(collector, stop, every_s)
        finally:
            boto.close()

    def _run(self, collector: CloudWatchCollector, stop: threading.Event, every_s: int) -> None:
        """Run cycles at a fixed rate; a cycle that overruns skips the next ones."""
        started, reported = time.monotonic(), ""
        while not stop.is_set():
            cycle = collector.run_cycle(now_s=time.time())
            if cycle:
                self._print(cycle)
            elif collector.last_error != reported:
                self.stderr.write(collector.last_error.partition(": ")[2])
            reported = collector.last_error
            elapsed = time.monotonic() - started
            stop.wait(every_s - elapsed % every_s)

    def _print(self, cycle: CollectionCycle) -> None:
        self.stdout.write(
            f"calls: {cycle.calls}; points: {cycle.timely} timely, {cycle.late} late; "
            f"series: {cycle.current} current, {cycle.missing} missing"
        )
        self.stdout.flush()


def _queries(chosen: CloudWatchSettings) -> tuple[MetricQuery, ...]:
    queries = catalogue_queries(CATALOGUE, chosen.resources, period_s=chosen.period_s)
    if not queries:
        raise CommandError(NO_RESOURCES)
    return queries


def _interruptible_sleep(stop: threading.Event) -> Callable[[float], None]:
    """A sleep that ends when the process is asked to stop."""

    def wait(seconds: float) -> None:
        stop.wait(seconds)

    return wait
