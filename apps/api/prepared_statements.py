"""Queries prepared once per connection: planning a page over many partitions costs more than reading it."""

from collections.abc import Sequence
from typing import Any

from django.db import connections

from apps.telemetry.postgresql.cursors import timed_cursor


def fetch_prepared(alias: str, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a prepared statement, run on Django's connection for the alias.

    Django's cursors interpolate parameters on the client, so their statements cannot be prepared. Raises Django's
    errors when connecting, psycopg's afterwards.
    """
    wrapper = connections[alias]
    wrapper.ensure_connection()
    with timed_cursor(alias)(wrapper.connection) as cursor:
        cursor.execute(sql, params, prepare=True)
        return cursor.fetchall()
