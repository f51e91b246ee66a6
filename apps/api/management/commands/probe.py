"""`manage.py probe`: the integration check from the outside; `probe install` makes what it reads."""

import signal
import threading
import time
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from apps.api.clients.key_files import write_key_file
from apps.api.errors import ApiError
from apps.api.probe.checks import Probe
from apps.api.probe.http_client import ProbeHttpClient
from apps.api.probe.services import probe_dataset_install, probe_key_rotate, probe_metrics_init, probe_run
from apps.datasets.management.base import AndenCommand

LONGEST_S: Final = 86_400


class Command(AndenCommand):
    """Checks a running station through its API."""

    help = "Ask a running station for the probe's one row, and verify that its key opens nothing else."
    requires_system_checks = []
    expected_errors = (ApiError,)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the check's address and key, and `install`."""
        parser.add_argument("action", nargs="?", choices=["run", "install"], default="run")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="the station's address")
        parser.add_argument("--key", help="the probe's key")
        parser.add_argument(
            "--key-file", type=Path, metavar="PATH", help="where the key is; install puts a new one there"
        )
        parser.add_argument(
            "--other-dataset", default="flights", metavar="DATASET", help="a dataset that the key must not reach"
        )
        parser.add_argument("--timeout", type=float, default=10.0, help="longest wait for an answer, seconds")
        parser.add_argument(
            "--every", type=float, metavar="SECONDS", help="check again and again, and show what comes out as metrics"
        )

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Install or check."""
        for name in ("timeout", "every"):
            if options[name] is not None and not 0 < options[name] <= LONGEST_S:
                raise CommandError(f"--{name} must be a number of seconds above 0, and at most {LONGEST_S}")
        if action == "install":
            self._install(options["key_file"])
        elif options["every"] is not None:
            self._watch(options)
        elif failed := self._check(options):
            raise CommandError(f"{failed} of the probe's checks failed at {options['url']}")

    def _install(self, path: Path | None) -> None:
        written = probe_dataset_install(timezone.now().date())
        self.stdout.write("The probe's row is " + ("written." if written else "there already."))
        if path is not None and path.exists():
            self.stdout.write(f"Its key in {path} is kept; remove the file for a new one.")
            return
        key = str(probe_key_rotate())
        if path is None:
            self.stdout.write(f"Its key, shown only now; older ones have ended:\n\n{key}\n")
        else:
            write_key_file(path, key)
            self.stdout.write(f"Its new key is in {path}; older ones have ended.")

    def _check(self, options: dict[str, Any], *, told: bool = True) -> int:
        """How many checks failed; what held is printed where it is to be told."""
        try:
            station = ProbeHttpClient(options["url"], timeout_s=options["timeout"])
        except ValueError as error:
            raise CommandError(f"--url {options['url']}: {error}") from error
        failed = 0
        for outcome in probe_run(
            Probe(station, _key(options), options["other_dataset"]), time.perf_counter, time.time
        ):
            failed += not outcome.passed
            if told or not outcome.passed:
                style = self.style.SUCCESS if outcome.passed else self.style.ERROR
                self.stdout.write(style(outcome.line()))
        return failed

    def _watch(self, options: dict[str, Any]) -> None:
        """Check until asked to leave; only what fails is printed."""
        leave = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: leave.set())
        probe_metrics_init()
        while not leave.is_set():
            self._check(options, told=False)
            self.stdout.flush()
            leave.wait(options["every"])


def _key(options: dict[str, Any]) -> str:
    path: Path | None = options["key_file"]
    if options["key"]:
        return str(options["key"])
    if path is None:
        raise CommandError("say --key KEY or --key-file PATH; probe install makes a key")
    try:
        return path.read_text().strip()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} cannot be read: it is no text") from error
