"""An installation of an earlier release with its data, on separate servers, and the content of its tables."""

import gzip
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient, NewTopic
from psycopg import sql

from embedded.kafka import EmbeddedKafka
from embedded.postgres import EmbeddedPostgres, _ground
from tests.integration.upgrade.make_release import RELEASES, ROOT, TOPICS, environment, manage, send

Rows = dict[str, tuple[tuple[str, ...], Counter[str]]]
"""Columns and rows as text, by table."""

TABLES: Final = (
    "SELECT format('%I.%I', nspname, relname), array_agg(attname::text ORDER BY attnum) FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_attribute ON attrelid = c.oid"
    " WHERE nspname IN ('public', 'data', 'parts') AND relkind IN ('r', 'p') AND NOT relispartition"
    " AND attnum > 0 AND NOT attisdropped GROUP BY 1 ORDER BY 1"
)


RENAMED: Final[dict[str, dict[str, str]]] = json.loads((RELEASES / "renamed.json").read_text(encoding="utf-8"))
"""The columns that 0.2.0 renamed, by table: old and new names."""


@dataclass(slots=True)
class Installation:
    """The servers, the folder, and the metadata of the release's dump."""

    postgres: EmbeddedPostgres
    kafka: EmbeddedKafka
    folder: Path
    metadata: dict[str, Any]
    release: str = ""

    @property
    def env(self) -> dict[str, str]:
        """The environment of the installation's processes."""
        return environment(self.postgres, self.kafka, self.folder)

    @property
    def url(self) -> str:
        """The superuser's URL of the database."""
        return self.postgres.admin_url.removesuffix("postgres") + "anden"

    def run(self, *words: str) -> str:
        """The output of a process of the current image. Raises RuntimeError: it failed."""
        return manage(ROOT, self.env, *words)

    def ask(self, query: str) -> list[Any]:
        """The rows of a superuser's query."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def rows(self, *, as_of: Rows | None = None) -> Rows:
        """Every row of every table; with `as_of`, in its tables and columns."""
        found: Rows = {}
        with psycopg.connect(self.url) as connection:
            tables = {name: tuple(columns) for name, columns in connection.execute(TABLES).fetchall()}
            for table, columns in tables.items() if as_of is None else ((t, c) for t, (c, _) in as_of.items()):
                renamed = {was: now for was, now in RENAMED.get(table, {}).items() if was not in tables[table]}
                names = sql.SQL(", ").join(sql.Identifier(renamed.get(name, name)) for name in columns)
                query = sql.SQL("SELECT ROW({})::text FROM {}").format(names, sql.SQL(table))
                found[table] = (columns, Counter(row[0] for row in connection.execute(query).fetchall()))
        return found


@contextmanager
def installation(release: str, folder: Path) -> Iterator[Installation]:
    """The release's installation: its dump loaded, its topics with the records that it had read."""
    metadata = json.loads((RELEASES / f"{release}.json").read_text())
    with (
        EmbeddedPostgres(folder / "postgres", quick=True) as postgres,
        EmbeddedKafka(folder / "kafka", quick=True) as kafka,
    ):
        there = Installation(postgres, kafka, folder, metadata, release)
        there.run("bootstrap")
        load(there, gzip.decompress((RELEASES / f"{release}.sql.gz").read_bytes()))
        _create_topics(there)
        for topic, values in TOPICS:
            send(kafka, topic, values)
        _adopt_topics(there)
        yield there


def load(there: Installation, text: bytes, *, url: str = "") -> None:
    """Run a dump's SQL, by default in the installation's database. Raises RuntimeError: a statement fails."""
    programs = _ground(there.postgres.folder / "data").programs
    command: list[str | Path] = [programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url or there.url]
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])


def _create_topics(there: Installation) -> None:
    """Create the release's topics with its partitions; current commands would need the current schema."""
    partitions = there.ask("SELECT topic, max(partition) + 1 FROM ingest_source GROUP BY topic")
    admin = AdminClient({"bootstrap.servers": there.kafka.bootstrap})
    for future in admin.create_topics([NewTopic(topic, count, 1) for topic, count in partitions]).values():
        future.result(30)


def _adopt_topics(there: Installation) -> None:
    """Adopt the new topics' ids: a broker gives each created topic a new one."""
    names = [topic for topic, _ in TOPICS]
    admin = AdminClient({"bootstrap.servers": there.kafka.bootstrap})
    for name, future in admin.describe_topics(TopicCollection(names)).items():
        identity = str(future.result().topic_id)
        with psycopg.connect(there.url) as connection:
            connection.execute("UPDATE ingest_source SET topic_id = %s WHERE topic = %s", (identity, name))
