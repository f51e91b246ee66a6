"""Runs all of Andén on this machine: python -m embedded.station (`make run`).

PostgreSQL and Kafka are not under the process manager: they start first and stop last.
"""

import fcntl
import os
import shutil
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Final, LiteralString

import psycopg

from embedded.environment import ROOT, StationFolder, station_environment, write_environment
from embedded.errors import EmbeddedError, FolderInUse, SetupFailed
from embedded.jars import missing_jars
from embedded.kafka import EmbeddedKafka
from embedded.ports import LOOPBACK, free_port
from embedded.postgres import EmbeddedPostgres
from embedded.preparation import Preparation, relative_path
from embedded.process_manager import LogFiles, ProcessManager, Program
from embedded.prometheus import prometheus_process
from embedded.terminal import Progress, StartupSummary

_WEB_PORT: Final = 8000
_POSTGRES_PORT: Final = 15432
_KAFKA_PORT: Final = 19092
_DEMO_RATE: Final = 5000
_FLEET: Final = ("--services", "50", "--fault", "level:payments:slow:2.5")
"""The demo's simulated fleet: fifty services, one of them slow."""
_PROBED: Final = ("--every", "60")
_UP_TIMEOUT_S: Final = 120.0


def web_command(port: int) -> tuple[str, ...]:
    """The web server's command. Its graceful timeout is shorter than the process manager's."""
    started = (sys.executable, "-m", "gunicorn", "--config", str(ROOT / "platform/web/gunicorn.py"))
    return (*started, "--bind", f"{LOOPBACK}:{port}", "--graceful-timeout", "10")


def exit_report(name: str, code: int | None, logs: LogFiles) -> str:
    """A line about the process that exited first: code, last output, log."""
    output = logs.last_output(name)
    how = f"(code {code}): {output}" if output else f"(code {code}, no output)"
    return f"{name} exited unexpectedly {how} (log: {relative_path(logs.path(name))})"


def programs(web_port: int, probe_key: Path) -> tuple[Program, ...]:
    """Every process but PostgreSQL and Kafka."""
    python = sys.executable
    celery = (python, "-m", "celery", "--app", "config")
    manage = (python, "manage.py")
    return (
        Program("web", web_command(web_port)),
        # Its watchdog kills it if a record blocks it; after a few restarts it quarantines that record.
        Program("ingest", (*manage, "ingest"), restarts=True),
        Program("lag", (*manage, "lag")),
        # Threads: honcho signals process groups, and a prefork worker hangs if its children exit first.
        Program("worker", (*celery, "worker", "--pool", "threads", "--concurrency", "2", "--loglevel", "INFO")),
        Program("beat", (*celery, "beat", "--loglevel", "INFO", "--pidfile=")),
        Program(
            "probe",
            (*manage, "probe", *("--url", f"http://{LOOPBACK}:{web_port}"), *("--key-file", str(probe_key)), *_PROBED),
        ),
        Program("simulate", (*manage, "fleet", "simulate", *_FLEET)),
        Program("fleet", (*manage, "fleet", "evaluate", "--every", "30")),
        Program("demo", (*manage, "demo", "produce", "--rate", str(_DEMO_RATE)), may_exit=True),
    )


class Station:
    """A running `make run`: its servers, its processes and its terminal output."""

    def __init__(
        self,
        folder: StationFolder,
        postgres: EmbeddedPostgres,
        kafka: EmbeddedKafka,
        *,
        seconds: float | None,
    ) -> None:
        self._folder = folder
        self._postgres = postgres
        self._kafka = kafka
        self._seconds = seconds
        self._progress = Progress()
        self._over = threading.Event()
        self._error = ""
        self._site = self._prometheus = ""
        self._manager: ProcessManager | None = None

    def run(self, environment: dict[str, str], web_port: int) -> int:
        """Run until stopped; return 0 after a requested stop, 1 if a process exited unexpectedly."""
        self._site = f"http://{LOOPBACK}:{web_port}"
        prometheus = prometheus_process(self._folder.path / "prometheus", web_port)
        self._prometheus = prometheus.location
        all_programs = (*programs(web_port, self._folder.probe_key), *prometheus.programs)
        logs = LogFiles(self._folder.logs, self._progress.print_line)
        self._manager = ProcessManager(
            all_programs,
            environment={**os.environ, **environment},
            root=ROOT,
            logs=logs,
            on_started=lambda: self._watch(tuple(program.name for program in all_programs)),
        )
        with closing(logs):
            self._manager.loop()
        self._over.set()
        if self._manager.first_exited and not self._error:
            self._error = exit_report(self._manager.first_exited, self._manager.returncode, logs)
        if self._error:
            self._progress.print_line(f"\n{self._error}")
            return 1
        return 0

    def _watch(self, names: tuple[str, ...]) -> None:
        """Wait until everything is up, print the summary, count rows, stop on time; runs in a thread."""
        try:
            if self._wait_until_up():
                self._progress.print_line(self._startup_summary(names).block())
                self._follow()
        except (psycopg.Error, OSError) as exc:
            self._error = self._server_error() or f"cannot check the running processes: {exc}"
        if not self._over.is_set() and self._manager is not None:
            self._manager.shut_down()

    def _wait_until_up(self) -> bool:
        """Whether the web server answers and the worker stores rows; False if that failed or shutdown began."""
        missing = {"web": self._web_ready, "ingest": self._worker_reads, "demo": self._rows_arrive}
        deadline = time.monotonic() + _UP_TIMEOUT_S
        while not self._over.wait(0.2):
            missing = {name: is_up for name, is_up in missing.items() if not is_up()}
            if not missing:
                return True
            self._error = self._server_error()
            if not self._error and time.monotonic() > deadline:
                name = next(iter(missing))
                log = relative_path(self._folder.logs / f"{name}.log")
                self._error = f"{name} was not up within {_UP_TIMEOUT_S:.0f} s (log: {log})"
            if self._error:
                break
        return False

    def _follow(self) -> None:
        """Count rows until the time is over, a server exits or shutdown begins."""
        deadline = None if self._seconds is None else time.monotonic() + self._seconds
        while not self._over.wait(1):
            now_s = time.monotonic()
            self._error = self._server_error()
            if self._error or (deadline is not None and now_s >= deadline):
                return
            with suppress(psycopg.ProgrammingError):  # you may drop the demo's table, or revoke a right on it
                self._progress.show(self._rows(), now_s=now_s)

    def _server_error(self) -> str:
        """An error if PostgreSQL or Kafka is not running; empty if both are."""
        for name, server in (("PostgreSQL", self._postgres), ("Kafka", self._kafka)):
            if not server.running:
                return f"{name} exited unexpectedly (log: {relative_path(server.log)})"
        return ""

    def _web_ready(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self._site}/readyz", timeout=2) as answer:  # noqa: S310 - our own http address
            return bool(answer.status == 200)
        return False

    def _worker_reads(self) -> bool:
        """Whether a live session of the worker owns a source; leftovers of a killed one do not count."""
        return self._count("APP", "SELECT count(*) FROM ingest_source JOIN pg_stat_activity ON pid = backend_pid") > 0

    def _rows_arrive(self) -> bool:
        return self._rows() > 0

    def _rows(self) -> int:
        return self._count("READER", "SELECT count(*) FROM data.flights")

    def _count(self, role: str, query: LiteralString) -> int:
        """The query's number, read as this role."""
        with psycopg.connect(self._postgres.urls()[f"ANDEN_DATABASE_{role}_URL"]) as connection:
            row = connection.execute(query).fetchone()
        return int(row[0]) if row else 0

    def _startup_summary(self, names: tuple[str, ...]) -> StartupSummary:
        return StartupSummary(
            site=self._site,
            prometheus=self._prometheus,
            postgres=f"{LOOPBACK}:{self._postgres.port}",
            kafka=self._kafka.bootstrap,
            processes=names,
            logs=self._folder.logs,
            password=self._folder.steward_password(),
            key=self._folder.demo_key.read_text().strip(),
        )


def main() -> int:
    """Run Andén with its state in `.anden/`; return the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    folder = StationFolder(ROOT / ".anden")
    try:
        seconds = _run_seconds(os.environ.get("ANDEN_RUN_SECONDS", ""))
        with ExitStack() as stack:
            code = _run(stack, folder, seconds)
        print("Stopped. Run `make run` again to resume.", flush=True)
    except EmbeddedError as exc:
        print(f"make run: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped before startup was complete.", file=sys.stderr)
        return 130
    return code


def _run(stack: ExitStack, folder: StationFolder, seconds: float | None) -> int:
    """Start everything in order, run it, and stop it in reverse order."""
    note = stack.enter_context(_exclusive_run(folder.path))
    _fresh_folders(folder)
    print("Starting PostgreSQL", flush=True)
    postgres = stack.enter_context(EmbeddedPostgres(folder.path / "postgres", _POSTGRES_PORT))
    print(f"Starting Kafka{' (downloading its jars first, 46 MB)' if missing_jars() else ''}", flush=True)
    kafka = stack.enter_context(EmbeddedKafka(folder.path / "kafka", _KAFKA_PORT))
    # Runs first on the way out: nothing may interrupt the servers' orderly shutdown.
    stack.callback(_ignore_interrupts)
    environment = station_environment(folder, database_urls=postgres.urls(), bootstrap=kafka.bootstrap)
    write_environment(folder.path / "environment", environment)
    print("Setting up tables, contracts, topics, logins and keys", flush=True)
    Preparation(folder, environment).run_all()
    web_port = free_port(_WEB_PORT)
    note.write_text(f"pid {os.getpid()}, http://{LOOPBACK}:{web_port}/\n")
    print("Starting Andén", flush=True)
    code = Station(folder, postgres, kafka, seconds=seconds).run(environment, web_port)
    print("\nStopping Kafka and PostgreSQL", flush=True)
    return code


@contextmanager
def _exclusive_run(folder: Path) -> Iterator[Path]:
    """Lock the folder; yield the file that describes the running instance.

    Raises FolderInUse: another instance runs in the folder.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    note = folder / "running"
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            who = note.read_text().strip() if note.exists() else "it is still starting"
            raise FolderInUse(f"Andén is already running here ({who}): stop it with Ctrl-C first") from exc
        note.unlink(missing_ok=True)
        try:
            yield note
        finally:
            note.unlink(missing_ok=True)


def _fresh_folders(folder: StationFolder) -> None:
    """Create the folders; delete the logs of the run before last, old processes' metrics and the old fleet."""
    if folder.logs.exists():
        before = folder.path / "logs.before"
        shutil.rmtree(before, ignore_errors=True)
        folder.logs.rename(before)
    for gone in (folder.metrics, folder.fleet):  # an old fleet would be evaluated before the new one
        shutil.rmtree(gone, ignore_errors=True)
    for path in (folder.logs, folder.metrics, folder.path / "celery"):
        path.mkdir(parents=True, exist_ok=True)


def _run_seconds(text: str) -> float | None:
    """How many seconds to run once everything is up; None for until stopped.

    Raises SetupFailed: the text is not a positive number.
    """
    if not text:
        return None
    with suppress(ValueError):
        if 0 < (seconds := float(text)) < float("inf"):
            return seconds
    raise SetupFailed("ANDEN_RUN_SECONDS must be a number of seconds above 0")


def _ignore_interrupts() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
