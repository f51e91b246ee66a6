"""Queries that PostgreSQL plans once a connection: planning a page over many months costs more than reading it."""

from collections.abc import Sequence
from typing import Any

from django.db import connections

from apps.telemetry.postgresql.cursors import timed_cursor


def fetch_prepared(alias: str, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement whose text repeats, on Django's connection of the alias.

    Django's own cursors write the parameters into the text, which cannot be prepared. Raises Django's errors
    for connecting, psycopg's for the rest.
    """
    wrapper = connections[alias]
    wrapper.ensure_connection()
    with timed_cursor(alias)(wrapper.connection) as cursor:
        cursor.execute(sql, params, prepare=True)
        return cursor.fetchall()
