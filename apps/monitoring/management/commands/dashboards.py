"""`manage.py dashboards render|check|plan|sync|prune|drift|rollback|cloudwatch`."""

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
    "check": "fail if dashboards/ differs from what the code renders, one line per panel and rule",
    "plan": "show what a sync would change in Grafana",
    "sync": "apply dashboards/ to Grafana; deletes nothing",
    "prune": "delete Andén's objects that are no longer in dashboards/",
    "drift": "list manual edits since the last sync, and fail if there are any",
    "rollback": "apply an earlier sync again",
    "cloudwatch": "upload rendered CloudWatch dashboards that differ",
}
MARKS: Final = {"created": "+", "updated": "~", "unchanged": "="}


class Command(AndenCommand):
    """Render dashboards, data sources and alerting, and sync them to Grafana."""

    help = "Render dashboards and rules, and keep Grafana in sync with them."
    expected_errors = (MonitoringError,)

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        parsers = {name: actions.add_parser(name, help=text) for name, text in ACTIONS.items()}
        for name in ("plan", "sync"):
            parsers[name].add_argument(
                "--adopt", action="store_true", help="take over objects with Andén's uid but without its mark"
            )
        for name in ("plan", "sync", "prune", "rollback"):
            parsers[name].add_argument(
                "--policy", action="store_true", help="include Andén's subtree of the notification policy"
            )
        parsers["prune"].add_argument(
            "--force", action="store_true", help="delete even more than a tenth of Andén's objects"
        )
        parsers["prune"].add_argument("--dry-run", action="store_true", help="only list what would be deleted")
        parsers["rollback"].add_argument(
            "--to", type=int, metavar="N", help="number of the sync (default: the one before the newest)"
        )
        parsers["rollback"].add_argument("--list", action="store_true", help="list the available syncs")
        parsers["cloudwatch"].add_argument("--folder", type=Path, default=FOLDER, help="folder of the rendered files")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        getattr(self, f"_{action}")(options)

    def _render(self, _options: dict[str, Any]) -> None:
        for path in rendering.write_all(configuration.rendered_folder()):
            self.stdout.write(f"wrote dashboards/{path}")

    def _check(self, _options: dict[str, Any]) -> None:
        found = rendering.differences(configuration.rendered_folder())
        self._write_lines(str(difference) for difference in found)
        if found:
            raise CommandError(
                f"Differences between dashboards/ and the code (file → code): {len(found)}. If they are intended, run "
                "`manage.py dashboards render`; a renamed metric loses its history in other people's queries."
            )

    def _plan(self, options: dict[str, Any]) -> None:
        manifest, skipped = configuration.manifest_read(policy=options["policy"])
        run = configuration.run()
        planned = dashboards_plan(run, manifest, adopt=options["adopt"])
        self.stdout.write(f"Grafana {run.grafana.version} at {settings.GRAFANA.url}")
        self.stdout.write("Changes: Grafana → code\n\n")
        self._write_lines(skipped)
        self._write_lines(plan_lines(planned))
        if planned.refusals:
            raise CommandError("\n".join(planned.refusals))

    def _sync(self, options: dict[str, Any]) -> None:
        manifest, skipped = configuration.manifest_read(policy=options["policy"])
        self._write_lines(skipped)
        with _progress(self) as advance:
            done = dashboards_sync(configuration.run(on_progress=advance), manifest, adopt=options["adopt"])
        self.stdout.write(result_line(done) if done.actions else summary(done))
        if done.leftovers:
            self.stdout.write(
                f"No longer in the code: {len(done.leftovers)}. `manage.py dashboards prune` deletes them."
            )

    def _prune(self, options: dict[str, Any]) -> None:
        policy = options["policy"]
        manifest, _ = configuration.manifest_read(policy=policy)
        with _progress(self) as advance:
            run = configuration.run(on_progress=advance)
            planned = dashboards_prune(run, manifest, policy=policy, apply=False)
            self._write_lines(planned.refusals)
            self._write_lines(
                f"  - delete {object_label(str(action.key), action.title)}" for action in planned.actions
            )
            if planned.actions and not options["dry_run"]:
                done = dashboards_prune(run, manifest, force=options["force"], policy=policy)
                self.stdout.write(f"{len(done.actions)} deleted.")
        if not planned.actions:
            self.stdout.write("Nothing to prune.")

    def _drift(self, _options: dict[str, Any]) -> None:
        run = configuration.run()
        found = drift_check(run)
        if found:
            self.stdout.write("Changes: last sync → Grafana")
            self._write_lines(drift_lines(found))
            raise CommandError(drift_advice(found))
        if run.history.newest() is None:
            self.stdout.write("No sync yet. Run `manage.py dashboards plan` to see what a sync would do.")
        else:
            self.stdout.write("No drift.")

    def _rollback(self, options: dict[str, Any]) -> None:
        if options["list"]:
            self._list()
            return
        with _progress(self) as advance:
            run = configuration.run(on_progress=advance)
            target, done = dashboards_rollback(run, configuration.values(), to=options["to"], policy=options["policy"])
        self.stdout.write(f"Rolled back to sync {target.number}, {target.revision}.")
        self.stdout.write(result_line(done) if done.actions else summary(done, source=f"sync {target.number}"))
        if done.leftovers:
            self.stdout.write(
                f"Not in sync {target.number}, but kept: {len(done.leftovers)}. "
                "`manage.py dashboards prune --dry-run` lists those that are no longer in the code."
            )

    def _list(self) -> None:
        history = DatabaseSyncHistory()
        syncs, newest = history.syncs(), history.newest()
        self._write_lines(
            sync_line(synced, active=newest is not None and synced.number == newest.effective_number)
            for synced in syncs
        )
        if not syncs:
            self.stdout.write("No sync yet.")

    def _cloudwatch(self, options: dict[str, Any]) -> None:
        chosen: CloudWatchSettings = settings.CLOUDWATCH
        with closing(BotoCloudWatch.from_settings(chosen)) as boto:
            for one in upload_dashboards(
                boto, options["folder"], prefix=chosen.dashboard_prefix, region=chosen.region, sleep=time.sleep
            ):
                self.stdout.write(f"{MARKS[one.done]} {one.name}: {one.done}")
                self._write_lines(f"    {remark}" for remark in one.remarks)

    def _write_lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line)


@contextmanager
def _progress(command: AndenCommand) -> Iterator[ProgressCallback]:
    """A progress callback: a bar on a terminal, otherwise one line per change."""
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
