"""What this process lacks to serve requests."""

import os
import threading
from concurrent.futures import Future
from functools import lru_cache
from typing import Final

from django.db import Error, connections
from django.db.migrations.executor import MigrationExecutor

SERVING_ALIASES: Final = ("default", "reader", "writer")
"""The databases a request may need; those of the owner and the workers are not checked."""

READY_TIMEOUT_S: Final = 1.0
"""How long a database may take to answer: kubelet's default probe timeout."""


def readiness_failures() -> list[str]:
    """Why this process cannot serve, one entry each; empty if it is ready. Returns within about a second.

    Contains neither host names nor driver messages: anyone who can reach the port may read this.
    """
    return _check.answer(READY_TIMEOUT_S)


class _ReadinessCheck:
    """Runs one check of the databases at a time, in a thread: a frozen server or a pool may block it, but not a
    probe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: Future[list[str]] | None = None
        self._current_alias = ""

    def answer(self, patience_s: float) -> list[str]:
        """The result of the check, or the database it still waits for once the time is up."""
        with self._lock:
            run = self._current
            if run is None:
                run = self._current = Future()
                threading.Thread(target=self._run, args=(run,), name="anden-readiness", daemon=True).start()
        try:
            return run.result(patience_s)
        except TimeoutError:
            return [_unreachable(self._current_alias)]

    def _run(self, run: "Future[list[str]]") -> None:
        found = ["the database check failed"]  # unless it completes
        try:
            found = self._find_failures()
        finally:
            # Return this thread's connections to their pools before the next check starts.
            connections.close_all()
            self._current = None
            run.set_result(found)

    def _find_failures(self) -> list[str]:
        for self._current_alias in SERVING_ALIASES:
            if self._current_alias in connections.settings and not _reachable(self._current_alias):
                return [_unreachable(self._current_alias)]
        self._current_alias = "default"
        try:
            return [f"migration {name}: not applied" for name in _unapplied_migrations()]
        except Error:
            return ["database default: cannot read django_migrations"]


def _unreachable(alias: str) -> str:
    return f"database {alias}: unreachable"


_check = _ReadinessCheck()
os.register_at_fork(after_in_child=_check.__init__)  # type: ignore[misc] # a child has none of its parent's threads


def _reachable(alias: str) -> bool:
    """Whether this database answers a statement."""
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except Error:
        return False


def _unapplied_migrations() -> tuple[str, ...]:
    """Migrations that the database lacks; cached once it lacks none."""
    missing = _plan_once()
    if missing:
        _plan_once.cache_clear()
    return missing


@lru_cache(maxsize=1)
def _plan_once() -> tuple[str, ...]:
    return pending_migrations(MigrationExecutor(connections["default"]))


def pending_migrations(executor: MigrationExecutor) -> tuple[str, ...]:
    """The migrations of this code that the executor's database lacks, `app.name`, in their order."""
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return tuple(f"{migration.app_label}.{migration.name}" for migration, _ in plan)
