"""What this process lacks before it can serve."""

from functools import lru_cache
from typing import Final

from django.db import Error, connections
from django.db.migrations.executor import MigrationExecutor

SERVING_ALIASES: Final = ("default", "reader", "writer")
"""The databases a request may need; the owner's and the workers' are none of its business."""


def lacking() -> list[str]:
    """What keeps this process from serving, one entry each; empty when it is ready.

    Neither hosts nor messages of the driver are told: whoever can reach the port may read this.
    """
    for alias in SERVING_ALIASES:
        if alias in connections.settings and not _reachable(alias):
            return [f"database {alias}: cannot be reached"]
    try:
        return [f"migration {name}: not applied" for name in _unapplied_migrations()]
    except Error:
        return ["database default: django_migrations cannot be read"]


def _reachable(alias: str) -> bool:
    """Whether a statement comes back from this database."""
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except Error:
        connections[alias].close()
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
