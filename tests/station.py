"""A station under test: real roles on a real PostgreSQL, emptied between tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.conf import settings
from psycopg import sql

from apps.datasets.adapters.contract_files import documents
from apps.datasets.adapters.database.connections import connect
from apps.datasets.core.document.applied import AppliedDataset
from apps.datasets.selectors import dataset_get
from apps.datasets.services import dataset_apply

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


class Station:
    """Applies contracts, hands out connections by role, and clears everything."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url

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

    def clear(self) -> None:
        """Drop every dataset and empty the apps' tables; ids go on, since versions are cached by them."""
        tables = {model._meta.db_table for label in OURS for model in apps.get_app_config(label).get_models()}
        with self.admin() as connection:
            connection.execute("SET lock_timeout = '20s'")
            present = {
                row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            }
            for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'data'").fetchall():
                connection.execute(sql.SQL("DROP TABLE data.{} CASCADE").format(sql.Identifier(name)))
            emptied = sql.SQL(", ").join(sql.Identifier("public", name) for name in sorted((tables - KEPT) & present))
            connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(emptied))
