"""A station of an earlier release with its data, on servers of its own, and what is in its tables."""

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
"""The columns and the rows as text, by table."""

TABLES: Final = (
    "SELECT format('%I.%I', nspname, relname), array_agg(attname::text ORDER BY attnum) FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_attribute ON attrelid = c.oid"
    " WHERE nspname IN ('public', 'data', 'parts') AND relkind IN ('r', 'p') AND NOT relispartition"
    " AND attnum > 0 AND NOT attisdropped GROUP BY 1 ORDER BY 1"
)


RENAMED: Final = {
    "public.datasets_dataset": {"number": "version"},
    "public.datasets_contractversion": {"number": "version"},
    "public.datasets_batch": {"number": "version"},
    "public.ingest_quarantine": {"number": "contract_version"},
    "public.ingest_source": {"trouble": "last_error"},
    "public.monitoring_fleetevaluation": {"trouble": "error"},
    "public.monitoring_incident": {"stage": "status", "trail": "score_history", "returns": "recurrences"},
}
"""The columns that 0.2.0 renamed, by table: former and present names."""


@dataclass(slots=True)
class Installation:
    """The servers, the folder, and what the release left beside its dump."""

    postgres: EmbeddedPostgres
    kafka: EmbeddedKafka
    folder: Path
    beside: dict[str, Any]
    release: str = ""

    @property
    def env(self) -> dict[str, str]:
        """The variables of the station's processes."""
        return environment(self.postgres, self.kafka, self.folder)

    @property
    def url(self) -> str:
        """The superuser's URL of the station's database."""
        return self.postgres.admin_url.removesuffix("postgres") + "anden"

    def run(self, *words: str) -> str:
        """What a process of today's image says; RuntimeError where it fails."""
        return manage(ROOT, self.env, *words)

    def ask(self, query: str) -> list[Any]:
        """The rows of a superuser's query."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def rows(self, *, as_of: Rows | None = None) -> Rows:
        """Every row of every table; with an earlier look, in the tables and columns of that one."""
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
    """The release's station as it was left: its dump loaded, its topics with the records that it had read."""
    beside = json.loads((RELEASES / f"{release}.json").read_text())
    with (
        EmbeddedPostgres(folder / "postgres", quick=True) as postgres,
        EmbeddedKafka(folder / "kafka", quick=True) as kafka,
    ):
        there = Installation(postgres, kafka, folder, beside, release)
        there.run("bootstrap")
        load(there, gzip.decompress((RELEASES / f"{release}.sql.gz").read_bytes()))
        _create_topics(there)
        for topic, values in TOPICS:
            send(kafka, topic, values)
        _adopt_topics(there)
        yield there


def load(there: Installation, text: bytes, *, url: str = "") -> None:
    """Run a dump's SQL, in the station's database without a URL. Raises RuntimeError: a statement fails."""
    programs = _ground(there.postgres.folder / "data").programs
    command: list[str | Path] = [programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url or there.url]
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])


def _create_topics(there: Installation) -> None:
    """Create the topics that the release had read, each with its partitions: today's commands need today's schema."""
    partitions = there.ask("SELECT topic, max(partition) + 1 FROM ingest_source GROUP BY topic")
    admin = AdminClient({"bootstrap.servers": there.kafka.bootstrap})
    for future in admin.create_topics([NewTopic(topic, count, 1) for topic, count in partitions]).values():
        future.result(30)


def _adopt_topics(there: Installation) -> None:
    """Say that these topics are those of the release: a broker gives each topic that it makes an id of its own."""
    names = [topic for topic, _ in TOPICS]
    admin = AdminClient({"bootstrap.servers": there.kafka.bootstrap})
    for name, future in admin.describe_topics(TopicCollection(names)).items():
        identity = str(future.result().topic_id)
        with psycopg.connect(there.url) as connection:
            connection.execute("UPDATE ingest_source SET topic_id = %s WHERE topic = %s", (identity, name))
