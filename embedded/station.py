"""The whole platform on this machine, by one command: python -m embedded.station (`make run`).

PostgreSQL and Kafka stand outside the process manager: they start first and are stopped last.
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
"""The simulated fleet of the demo: fifty services, and one is sick."""
_PROBED: Final = ("--every", "60")
_UP_TIMEOUT_S: Final = 120.0


def web_command(port: int) -> tuple[str, ...]:
    """What starts the web server. Its requests have less time to end than the process manager gives it."""
    started = (sys.executable, "-m", "gunicorn", "--config", str(ROOT / "platform/web/gunicorn.py"))
    return (*started, "--bind", f"{LOOPBACK}:{port}", "--graceful-timeout", "10")


def exit_report(name: str, code: int | None, logs: LogFiles) -> str:
    """How the process that ended first did so, and what it said last."""
    said = logs.last_output(name) or "it said nothing"
    return f"{name} ended by itself with code {code}: {said} (log: {relative_path(logs.path(name))})"


def programs(web_port: int, probe_key: Path) -> tuple[Program, ...]:
    """The processes of the station."""
    python = sys.executable
    celery = (python, "-m", "celery", "--app", "config")
    manage = (python, "manage.py")
    return (
        Program("web", web_command(web_port)),
        # Its watchdog ends it where a record holds it; it gets over that record after a few starts.
        Program("ingest", (*manage, "ingest"), restarts=True),
        Program("lag", (*manage, "lag")),
        # Threads: honcho ends whole groups, and a prefork worker hangs when its children go first.
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
    """The running station: its servers, its processes and what it says about them."""

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
        """The exit code: 0 after a stop that was asked for, 1 when a process ended by itself."""
        self._site = f"http://{LOOPBACK}:{web_port}"
        prometheus = prometheus_process(self._folder.path / "prometheus", web_port)
        self._prometheus = prometheus.location
        all_programs = (*programs(web_port, self._folder.probe_key), *prometheus.programs)
        logs = LogFiles(self._folder.logs, self._progress.say)
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
            self._progress.say(f"\n{self._error}")
            return 1
        return 0

    def _watch(self, names: tuple[str, ...]) -> None:
        """Wait until everything is up, say so, show how rows arrive, end in time; runs in a thread."""
        try:
            if self._wait_until_up():
                self._progress.say(self._startup_summary(names).block())
                self._follow()
        except (psycopg.Error, OSError) as exc:
            self._error = self._server_error() or f"the station lost sight of itself: {exc}"
        if not self._over.is_set() and self._manager is not None:
            self._manager.shut_down()

    def _wait_until_up(self) -> bool:
        """Whether the web answers and the worker stores rows; False when that failed or the station ended."""
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
        """Show how rows arrive until the time is over, a server ended or the station does."""
        deadline = None if self._seconds is None else time.monotonic() + self._seconds
        while not self._over.wait(1):
            now_s = time.monotonic()
            self._error = self._server_error()
            if self._error or (deadline is not None and now_s >= deadline):
                return
            self._progress.show(self._rows(), now_s=now_s)

    def _server_error(self) -> str:
        """What is wrong with PostgreSQL or Kafka; empty when both run."""
        for name, server in (("PostgreSQL", self._postgres), ("Kafka", self._kafka)):
            if not server.running:
                return f"{name} ended by itself (log: {relative_path(server.log)})"
        return ""

    def _web_ready(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self._site}/readyz", timeout=2) as answer:  # noqa: S310 - our own http address
            return bool(answer.status == 200)
        return False

    def _worker_reads(self) -> bool:
        """Whether a living session of the worker holds a source: what a killed one left does not count."""
        return self._count("APP", "SELECT count(*) FROM ingest_source JOIN pg_stat_activity ON pid = backend_pid") > 0

    def _rows_arrive(self) -> bool:
        return self._rows() > 0

    def _rows(self) -> int:
        return self._count("READER", "SELECT count(*) FROM data.flights")

    def _count(self, role: str, query: LiteralString) -> int:
        """The number that the query gives to this role."""
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
    """Run the station in `.anden/`; the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    folder = StationFolder(ROOT / ".anden")
    try:
        seconds = _run_seconds(os.environ.get("ANDEN_RUN_SECONDS", ""))
        with ExitStack() as stack:
            code = _run(stack, folder, seconds)
        print("Stopped. The next make run goes on from here.", flush=True)
    except EmbeddedError as exc:
        print(f"make run: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped before it was up.", file=sys.stderr)
        return 130
    return code


def _run(stack: ExitStack, folder: StationFolder, seconds: float | None) -> int:
    """Start everything in order, run it, stop it in the reverse order."""
    note = stack.enter_context(_exclusive_run(folder.path))
    _fresh_folders(folder)
    print("Starting PostgreSQL", flush=True)
    postgres = stack.enter_context(EmbeddedPostgres(folder.path / "postgres", _POSTGRES_PORT))
    print(f"Starting Kafka{' (first its jars are fetched, 46 MB)' if missing_jars() else ''}", flush=True)
    kafka = stack.enter_context(EmbeddedKafka(folder.path / "kafka", _KAFKA_PORT))
    # Runs first on the way out: nothing may interrupt the orderly stop of the servers.
    stack.callback(_ignore_interrupts)
    environment = station_environment(folder, database_urls=postgres.urls(), bootstrap=kafka.bootstrap)
    write_environment(folder.path / "environment", environment)
    print("Preparing tables, contracts, topics, logins and keys", flush=True)
    Preparation(folder, environment).run_all()
    web_port = free_port(_WEB_PORT)
    note.write_text(f"pid {os.getpid()}, http://{LOOPBACK}:{web_port}/\n")
    print("Starting the processes", flush=True)
    code = Station(folder, postgres, kafka, seconds=seconds).run(environment, web_port)
    print("\nStopping Kafka and PostgreSQL", flush=True)
    return code


@contextmanager
def _exclusive_run(folder: Path) -> Iterator[Path]:
    """The file in which the one running station of this folder leaves its name.

    Raises FolderInUse: another one runs.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    note = folder / "running"
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            who = note.read_text().strip() if note.exists() else "it is still starting"
            raise FolderInUse(f"Andén runs here already ({who}): stop that one with Ctrl-C first") from exc
        note.unlink(missing_ok=True)
        try:
            yield note
        finally:
            note.unlink(missing_ok=True)


def _fresh_folders(folder: StationFolder) -> None:
    """Make the folders; logs of the run before last, metrics of dead processes and the old fleet go."""
    if folder.logs.exists():
        before = folder.path / "logs.before"
        shutil.rmtree(before, ignore_errors=True)
        folder.logs.rename(before)
    for gone in (folder.metrics, folder.fleet):  # a fleet of another day would be looked at before the fresh one
        shutil.rmtree(gone, ignore_errors=True)
    for path in (folder.logs, folder.metrics, folder.path / "celery"):
        path.mkdir(parents=True, exist_ok=True)


def _run_seconds(text: str) -> float | None:
    """How long to run once everything is up; None for as long as nobody stops it.

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
