"""An installation under test: real roles on a real PostgreSQL, emptied between tests."""

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

EMPTIED_APPS = (
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
            -- TRUNCATE creates files for a table and each index: slower than deleting the few rows of most tests.
            IF rows > 1000 THEN
                EXECUTE 'TRUNCATE ' || name || ' CASCADE';
            ELSIF rows > 0 THEN
                EXECUTE 'DELETE FROM ' || name;
            END IF;
        END LOOP;
    END $$
"""
"""Drops datasets and empties the given tables."""


class Station:
    """Applies contracts, opens connections by role, and clears everything."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url
        self._persistent: psycopg.Connection[Any] | None = None

    def apply(self, contract: Mapping[str, Any] | Path) -> AppliedDataset:
        """Apply a document, or a file's only contract; return the dataset."""
        document = next(documents(contract))[1] if isinstance(contract, Path) else contract
        return dataset_get(dataset_apply(document).name)

    @contextmanager
    def connect(self, alias: str) -> Iterator[psycopg.Connection[Any]]:
        """A raw connection as this role."""
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
        """The rows of a superuser's query, over a persistent connection, because tests poll."""
        if self._persistent is None or self._persistent.closed:
            self._persistent = psycopg.connect(
                self.admin_url, dbname=settings.DATABASES["owner"]["NAME"], autocommit=True
            )
        try:
            return self._persistent.execute(text.encode()).fetchall()
        except psycopg.OperationalError:
            if not self._persistent.closed:
                raise
        return self.query(text)  # the server was restarted

    def close(self) -> None:
        """Close the persistent connection."""
        if self._persistent is not None:
            self._persistent.close()

    def clear(self) -> None:
        """Drop every dataset and empty the apps' tables; sequences continue, since versions are cached by id."""
        tables = {model._meta.db_table for label in EMPTIED_APPS for model in apps.get_app_config(label).get_models()}
        with self.admin() as connection:
            connection.execute("SET lock_timeout = '20s'")
            # All tables are emptied, so foreign keys need not be checked in between.
            connection.execute("SET session_replication_role = replica")
            connection.execute(sql.SQL(CLEAR).format(sorted(tables - KEPT)))


@contextmanager
def empty_station(admin_url: str) -> Iterator[Station]:
    """An installation without datasets, clients or users; its connections close with the block."""
    station = Station(admin_url)
    station.clear()
    yield station
    station.close()
    connections.close_all()
    for connection in connections.all():
        # A pool remembers an outage for a while, but the next test's server is healthy.
        if isinstance(connection, DatabaseWrapper) and connection.settings_dict["OPTIONS"].get("pool"):
            connection.close_pool()
