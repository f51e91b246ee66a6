"""A station under test: real roles on a real PostgreSQL, emptied between tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import connections
from psycopg import sql

from apps.datasets.adapters.contract_files import documents
from apps.datasets.adapters.database.connections import connect
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.datasets.selectors import dataset_get
from apps.datasets.services import dataset_apply
from apps.telemetry.postgresql.base import DatabaseWrapper

KEPT = {"auth_permission", "auth_group", "auth_group_permissions"}
"""Tables that migrations fill."""

OURS = (
    "jobs",
    "datasets",
    "ingest",
    "api",
    "cloudwatch",
    "fleet",
    "monitoring",
    "console",
    "auth",
    "sessions",
    "admin",
)

CLEAR = """
    DO $$
    DECLARE
        name text;
        rows bigint;
    BEGIN
        FOR name IN SELECT format('data.%I', tablename) FROM pg_tables WHERE schemaname = 'data' LOOP
            EXECUTE 'DROP TABLE IF EXISTS ' || name || ' CASCADE';
        END LOOP;
        FOR name IN
            SELECT format('public.%I', tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename = ANY ({})
        LOOP
            EXECUTE 'SELECT count(*) FROM (SELECT FROM ' || name || ' LIMIT 1001) AS first' INTO rows;
            -- New files for a table and each of its indexes cost more than the few rows that most tests leave.
            IF rows > 1000 THEN
                EXECUTE 'TRUNCATE ' || name || ' CASCADE';
            ELSIF rows > 0 THEN
                EXECUTE 'DELETE FROM ' || name;
            END IF;
        END LOOP;
    END $$
"""
"""Empties what holds something."""


class Station:
    """Applies contracts, hands out connections by role, and clears everything."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url
        self._kept: psycopg.Connection[Any] | None = None

    def apply(self, contract: Mapping[str, Any] | Path) -> AppliedDataset:
        """Apply a document, or the one contract of a file, and return the dataset."""
        document = next(documents(contract))[1] if isinstance(contract, Path) else contract
        return dataset_get(dataset_apply(document).name)

    @contextmanager
    def connect(self, alias: str) -> Iterator[psycopg.Connection[Any]]:
        """A raw connection as this role, closed at the end."""
        with connect(alias) as connection:
            yield connection

    @contextmanager
    def admin(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection as superuser with autocommit."""
        with psycopg.connect(
            self.admin_url, dbname=settings.DATABASES["owner"]["NAME"], autocommit=True
        ) as connection:
            yield connection

    def query(self, text: str) -> list[tuple[Any, ...]]:
        """The rows of a superuser's query, over a connection that is kept: who waits asks many times a second."""
        if self._kept is None or self._kept.closed:
            self._kept = psycopg.connect(self.admin_url, dbname=settings.DATABASES["owner"]["NAME"], autocommit=True)
        try:
            return self._kept.execute(text.encode()).fetchall()
        except psycopg.OperationalError:
            if not self._kept.closed:
                raise
        return self.query(text)  # the server was started anew

    def close(self) -> None:
        """End the connection that is kept."""
        if self._kept is not None:
            self._kept.close()

    def clear(self) -> None:
        """Drop every dataset and empty the apps' tables; ids go on, since versions are cached by them."""
        tables = {model._meta.db_table for label in OURS for model in apps.get_app_config(label).get_models()}
        with self.admin() as connection:
            connection.execute("SET lock_timeout = '20s'")
            # All tables are emptied, so no key is left that leads nowhere: they need not be emptied in an order.
            connection.execute("SET session_replication_role = replica")
            connection.execute(sql.SQL(CLEAR).format(sorted(tables - KEPT)))


@contextmanager
def empty_station(admin_url: str) -> Iterator[Station]:
    """A station without datasets, clients or users; its connections end with the block."""
    station = Station(admin_url)
    station.clear()
    yield station
    station.close()
    connections.close_all()
    for connection in connections.all():
        # A pool remembers an outage for a while: the next test has a server of good health.
        if isinstance(connection, DatabaseWrapper) and connection.settings_dict["OPTIONS"].get("pool"):
            connection.close_pool()
