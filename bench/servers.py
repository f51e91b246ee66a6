"""PostgreSQL and Kafka for a run, in a temporary folder; both commit durably."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import django
import psycopg
from django.core.management import call_command

from embedded.kafka import EmbeddedKafka
from embedded.postgres import EmbeddedPostgres


@dataclass(frozen=True)
class Servers:
    """The servers of a run."""

    folder: Path
    postgres: EmbeddedPostgres
    kafka: EmbeddedKafka

    def checkpoint(self) -> None:
        """Make PostgreSQL write dirty pages, so that no round pays for the previous one."""
        with psycopg.connect(self.postgres.admin_url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def vacuum(self, table: str) -> None:
        """Vacuum and analyze the table, as autovacuum would after a while."""
        url = self.postgres.urls()["ANDEN_DATABASE_OWNER_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"VACUUM (ANALYZE) {table}")


@contextmanager
def servers(kafka_settings: Mapping[str, str] | None = None) -> Iterator[Servers]:
    """Start and migrate both servers, and set up Django in this process to use them."""
    with (
        TemporaryDirectory(prefix="anden-bench-") as name,
        EmbeddedPostgres(Path(name) / "postgres") as postgres,
        EmbeddedKafka(Path(name) / "kafka", more=kafka_settings) as kafka,
    ):
        folder = Path(name)
        os.environ.update(
            {
                **postgres.urls(),
                "ANDEN_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
                "ANDEN_SECRET_KEY": secrets.token_urlsafe(48),
                "ANDEN_STATIC_ROOT": str(folder / "static"),
                "ANDEN_CELERY_FOLDER": str(folder / "celery"),
                "ANDEN_LOG_LEVEL": "WARNING",
                "DJANGO_SETTINGS_MODULE": "config.settings",
            }
        )
        django.setup()
        call_command("migrate", verbosity=0)
        yield Servers(folder, postgres, kafka)
