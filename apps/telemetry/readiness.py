"""What this process lacks before it can serve."""

import os
import threading
from concurrent.futures import Future
from functools import lru_cache
from typing import Final

from django.db import Error, connections
from django.db.migrations.executor import MigrationExecutor

SERVING_ALIASES: Final = ("default", "reader", "writer")
"""The databases a request may need; the owner's and the workers' are none of its business."""

READY_TIMEOUT_S: Final = 1.0
"""How long a database may take to answer: a kubelet's probe does not wait longer by default."""


def readiness_failures() -> list[str]:
    """What keeps this process from serving, one entry each; empty when it is ready. Answers within a second or so.

    Neither hosts nor messages of the driver are told: whoever can reach the port may read this.
    """
    return _check.answer(READY_TIMEOUT_S)


class _ReadinessCheck:
    """One look at the databases at a time, in a thread: a frozen server or a pool may hold it up, but not a probe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: Future[list[str]] | None = None
        self._current_alias = ""

    def answer(self, patience_s: float) -> list[str]:
        """What a look finds that ends in time; else which database it still waits for."""
        with self._lock:
            look = self._current
            if look is None:
                look = self._current = Future()
                threading.Thread(target=self._run, args=(look,), name="anden-readiness", daemon=True).start()
        try:
            return look.result(patience_s)
        except TimeoutError:
            return [_unreachable(self._current_alias)]

    def _run(self, look: "Future[list[str]]") -> None:
        found = ["the look at the databases failed"]  # unless it comes to its end
        try:
            found = self._find_failures()
        finally:
            # This thread's connections go back to their pools before anybody begins another look.
            connections.close_all()
            self._current = None
            look.set_result(found)

    def _find_failures(self) -> list[str]:
        for self._current_alias in SERVING_ALIASES:
            if self._current_alias in connections.settings and not _reachable(self._current_alias):
                return [_unreachable(self._current_alias)]
        self._current_alias = "default"
        try:
            return [f"migration {name}: not applied" for name in _unapplied_migrations()]
        except Error:
            return ["database default: django_migrations cannot be read"]


def _unreachable(alias: str) -> str:
    return f"database {alias}: cannot be reached"


_check = _ReadinessCheck()
os.register_at_fork(after_in_child=_check.__init__)  # type: ignore[misc] # a child has none of its parent's threads


def _reachable(alias: str) -> bool:
    """Whether a statement comes back from this database."""
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except Error:
        return False


def _unapplied_migrations() -> tuple[str, ...]:
    """Migrations of this code that the database lacks; once there are none, the question is not asked again."""
    missing = _plan_once()
    if missing:
        _plan_once.cache_clear()
    return missing


@lru_cache(maxsize=1)
def _plan_once() -> tuple[str, ...]:
    executor = MigrationExecutor(connections["default"])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return tuple(f"{migration.app_label}.{migration.name}" for migration, _ in plan)
