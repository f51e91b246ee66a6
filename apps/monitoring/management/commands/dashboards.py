"""`manage.py dashboards render|check|plan|sync|prune|drift|rollback|cloudwatch`: from code to dashboards."""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from apps.cloudwatch.client.boto import BotoCloudWatch
from apps.cloudwatch.conf import CloudWatchSettings
from apps.datasets.management.base import AndenCommand
from apps.monitoring.cloudwatch_dashboards import FOLDER, upload_dashboards
from apps.monitoring.grafana import configuration
from apps.monitoring.grafana.database_history import DatabaseSyncHistory
from apps.monitoring.grafana.drift_check import drift_check
from apps.monitoring.grafana.services import (
    ProgressCallback,
    dashboards_plan,
    dashboards_prune,
    dashboards_rollback,
    dashboards_sync,
)
from apps.monitoring.grafana.sync.plan import PlannedAction
from apps.monitoring.grafana.sync.report import (
    drift_advice,
    drift_lines,
    object_label,
    plan_lines,
    result_line,
    summary,
    sync_line,
)
from apps.monitoring.renderers import rendering
from apps.telemetry.errors import MonitoringError

ACTIONS = {
    "render": "write dashboards/ from the code",
    "check": "say nothing if dashboards/ is what the code renders; else name each panel and rule, and fail",
    "plan": "show what a sync would change in Grafana",
    "sync": "make Grafana hold what dashboards/ says; deletes nothing",
    "prune": "delete from Grafana what is Andén's and no longer in dashboards/",
    "drift": "name what was edited by hand since the last sync, and fail if there is something",
    "rollback": "make Grafana hold what an earlier sync sent",
    "cloudwatch": "put the rendered CloudWatch dashboards that differ",
}
MARKS: Final = {"created": "+", "updated": "~", "unchanged": "="}


class Command(AndenCommand):
    """Renders, compares and synchronises dashboards, data sources and alerting."""

    help = "Render dashboards and rules, and keep Grafana in step with them."
    expected_errors = (MonitoringError,)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        parsers = {name: actions.add_parser(name, help=text) for name, text in ACTIONS.items()}
        for name in ("plan", "sync"):
            parsers[name].add_argument("--adopt", action="store_true", help="take over what has our uid but no mark")
        for name in ("plan", "sync", "prune", "rollback"):
            parsers[name].add_argument(
                "--policy", action="store_true", help="our subtree of the notification policy, too"
            )
        parsers["prune"].add_argument("--force", action="store_true", help="even more than a tenth of what is ours")
        parsers["prune"].add_argument("--dry-run", action="store_true", help="only say what would be deleted")
        parsers["rollback"].add_argument("--to", type=int, metavar="N", help="the sync of this number; else the last")
        parsers["rollback"].add_argument("--list", action="store_true", help="show the syncs one can go back to")
        parsers["cloudwatch"].add_argument("--folder", type=Path, default=FOLDER, help="where the rendered files lie")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Do the action."""
        getattr(self, f"_{action}")(options)

    def _render(self, _options: dict[str, Any]) -> None:
        for path in rendering.write_all(configuration.rendered_folder()):
            self.stdout.write(f"wrote dashboards/{path}")

    def _check(self, _options: dict[str, Any]) -> None:
        found = rendering.differences(configuration.rendered_folder())
        self._lines(str(difference) for difference in found)
        if found:
            raise CommandError(
                f"differences from what the code renders (file → code): {len(found)}; whoever reads a metric by its "
                "old name loses it: look whether it was meant, then run `manage.py dashboards render`"
            )

    def _plan(self, options: dict[str, Any]) -> None:
        manifest, left_out = configuration.manifest_read(policy=options["policy"])
        run = configuration.run()
        planned = dashboards_plan(run, manifest, adopt=options["adopt"])
        self.stdout.write(f"Grafana {run.grafana.version} at {settings.GRAFANA.url}")
        self.stdout.write("A change reads: what Grafana has → what the code says\n\n")
        self._lines(left_out)
        self._lines(plan_lines(planned))
        if planned.refusals:
            raise CommandError("\n".join(planned.refusals))

    def _sync(self, options: dict[str, Any]) -> None:
        manifest, left_out = configuration.manifest_read(policy=options["policy"])
        self._lines(left_out)
        with _progress(self) as tell:
            done = dashboards_sync(configuration.run(tell=tell), manifest, adopt=options["adopt"])
        self.stdout.write(result_line(done) if done.actions else summary(done))
        if done.leftovers:
            self.stdout.write(
                f"{len(done.leftovers)} of ours are no longer in the code: `manage.py dashboards prune` deletes them."
            )

    def _prune(self, options: dict[str, Any]) -> None:
        policy = options["policy"]
        manifest, _ = configuration.manifest_read(policy=policy)
        with _progress(self) as tell:
            run = configuration.run(tell=tell)
            planned = dashboards_prune(run, manifest, policy=policy, apply=False)
            self._lines(planned.refusals)
            self._lines(f"  - delete {object_label(str(action.key), action.title)}" for action in planned.actions)
            if planned.actions and not options["dry_run"]:
                done = dashboards_prune(run, manifest, force=options["force"], policy=policy)
                self.stdout.write(f"{len(done.actions)} deleted.")
        if not planned.actions:
            self.stdout.write("Nothing to delete.")

    def _drift(self, _options: dict[str, Any]) -> None:
        run = configuration.run()
        found = drift_check(run)
        if found:
            self.stdout.write("A change reads: what was sent → what Grafana has now")
            self._lines(drift_lines(found))
            raise CommandError(drift_advice(found))
        if run.history.newest() is None:
            self.stdout.write("Nothing was synchronised yet: `manage.py dashboards plan` says what a sync would do.")
        else:
            self.stdout.write("Nothing was edited by hand.")

    def _rollback(self, options: dict[str, Any]) -> None:
        if options["list"]:
            self._list()
            return
        with _progress(self) as tell:
            run = configuration.run(tell=tell)
            target, done = dashboards_rollback(run, configuration.values(), to=options["to"], policy=options["policy"])
        self.stdout.write(f"Back at sync {target.number}, {target.revision}.")
        self.stdout.write(result_line(done) if done.actions else summary(done, says=f"sync {target.number} said"))
        if done.leftovers:
            self.stdout.write(
                f"{len(done.leftovers)} of ours that sync {target.number} did not have stay: "
                "`manage.py dashboards prune --dry-run` shows those that the code no longer has."
            )

    def _list(self) -> None:
        history = DatabaseSyncHistory()
        syncs, newest = history.syncs(), history.newest()
        self._lines(
            sync_line(synced, stands=newest is not None and synced.number == newest.effective_number)
            for synced in syncs
        )
        if not syncs:
            self.stdout.write("No sync is kept yet.")

    def _cloudwatch(self, options: dict[str, Any]) -> None:
        chosen: CloudWatchSettings = settings.CLOUDWATCH
        with closing(BotoCloudWatch.from_settings(chosen)) as boto:
            for one in upload_dashboards(
                boto, options["folder"], prefix=chosen.dashboard_prefix, region=chosen.region, sleep=time.sleep
            ):
                self.stdout.write(f"{MARKS[one.done]} {one.name}: {one.done}")
                self._lines(f"    {remark}" for remark in one.remarks)

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line)


@contextmanager
def _progress(command: AndenCommand) -> Iterator[ProgressCallback]:
    """What to call before each change: a bar on a terminal, a line for each change elsewhere."""
    if not command.stdout.isatty():
        yield lambda _done, _total, action: command.stdout.write(
            f"{action.verb} {object_label(str(action.key), action.title)}"
        )
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("reading Grafana", total=None)

        def advance(done: int, total: int, action: PlannedAction) -> None:
            bar.update(task, description=str(action.key), completed=done, total=total)

        yield advance
