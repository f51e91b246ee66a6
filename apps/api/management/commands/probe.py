"""`manage.py probe`: checks an instance through its API. `probe install` creates the data it reads."""

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
    """Checks a running instance through its API."""

    help = "Fetch the probe's row from a running instance and verify that its key can access nothing else."
    requires_system_checks = []
    expected_errors = (ApiError,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", nargs="?", choices=["run", "install"], default="run")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="base URL of the instance")
        parser.add_argument("--key", help="the probe's API key")
        parser.add_argument(
            "--key-file", type=Path, metavar="PATH", help="file with the key; install writes a new key to it"
        )
        parser.add_argument(
            "--other-dataset", default="flights", metavar="DATASET", help="a dataset that the key must not access"
        )
        parser.add_argument("--timeout", type=float, default=10.0, help="timeout per request, seconds")
        parser.add_argument(
            "--every", type=float, metavar="SECONDS", help="repeat the checks at this interval and export metrics"
        )

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        for name in ("timeout", "every"):
            if options[name] is not None and not 0 < options[name] <= LONGEST_S:
                raise CommandError(f"--{name} must be above 0 and at most {LONGEST_S} seconds")
        if action == "install":
            self._install(options["key_file"])
        elif options["every"] is not None:
            self._watch(options)
        elif failed := self._check(options):
            raise CommandError(f"{failed} of the checks failed at {options['url']}")

    def _install(self, path: Path | None) -> None:
        written = probe_dataset_install(timezone.now().date())
        self.stdout.write("Wrote the probe's row." if written else "The probe's row is up to date.")
        if path is not None and path.exists():
            self.stdout.write(f"Kept the key in {path}. Delete the file to create a new one.")
            return
        key = str(probe_key_rotate())
        if path is None:
            self.stdout.write(
                f"Created a key and revoked older ones. Copy it now; it will not be shown again:\n\n{key}\n"
            )
        else:
            write_key_file(path, key)
            self.stdout.write(f"Wrote a new key to {path} and revoked older ones.")

    def _check(self, options: dict[str, Any], *, print_passed: bool = True) -> int:
        """The number of failed checks."""
        try:
            client = ProbeHttpClient(options["url"], timeout_s=options["timeout"])
        except ValueError as error:
            raise CommandError(f"--url {options['url']}: {error}") from error
        failed = 0
        for outcome in probe_run(Probe(client, _key(options), options["other_dataset"]), time.perf_counter, time.time):
            failed += not outcome.passed
            if print_passed or not outcome.passed:
                style = self.style.SUCCESS if outcome.passed else self.style.ERROR
                self.stdout.write(style(outcome.line()))
        return failed

    def _watch(self, options: dict[str, Any]) -> None:
        """Check until SIGTERM or SIGINT; print failures only."""
        stop = threading.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: stop.set())
        probe_metrics_init()
        while not stop.is_set():
            self._check(options, print_passed=False)
            self.stdout.flush()
            stop.wait(options["every"])


def _key(options: dict[str, Any]) -> str:
    path: Path | None = options["key_file"]
    if options["key"]:
        return str(options["key"])
    if path is None:
        raise CommandError("pass --key KEY or --key-file PATH; `manage.py probe install` creates a key")
    try:
        return path.read_text().strip()
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"cannot read {path}: it is not text") from error
