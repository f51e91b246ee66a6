"""An installation as in production: its servers, its database, its commands as processes."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
import yaml
from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, NewTopic

from embedded.kafka import EmbeddedKafka
from embedded.postgres import EmbeddedPostgres
from tests.chaos.plans import Plan, topics
from tests.kafkas import AUTHORIZER

ROOT: Final = Path(__file__).resolve().parents[2]
COMMAND_S: Final = 120.0
RETRY_S: Final = 90.0
OTHER: Final = "other"
"""The database of a second installation."""

KAFKA: Final = {**AUTHORIZER, "message.max.bytes": "20000000"}
T = TypeVar("T")


class NotPossible(Exception):
    """The fault cannot be caused now; another one is tried."""


def retry(action: Callable[[], T], *, for_s: float = RETRY_S) -> T:
    """The action's result, repeated while a server does not answer, because several faults happen at once."""
    deadline_s = time.monotonic() + for_s
    while True:
        try:
            return action()
        except (psycopg.Error, KafkaException, TimeoutError, subprocess.SubprocessError):
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.2)


@dataclass(frozen=True)
class Installation:
    """Both servers, and commands that use them."""

    folder: Path
    postgres: EmbeddedPostgres
    kafka: EmbeddedKafka
    environment: Mapping[str, str]
    starters: Executor
    """Threads that live as long as the servers: a server ends with the thread that started it."""

    def start_server(self, start: Callable[[], None]) -> None:
        """Call this function, which starts a server, in a thread that lives long enough."""
        self.starters.submit(start).result()

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self.kafka.bootstrap

    @cached_property
    def admin(self) -> AdminClient:
        """An admin client of Kafka, which outlives its restarts."""
        return self.fresh_admin()

    def fresh_admin(self) -> AdminClient:
        """A new admin client: after a restart of Kafka, an old one may fail with the leader epochs that it knows."""
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def start(self, *words: str, log: Path, **more: str) -> "subprocess.Popen[bytes]":
        """Start a management command, its output appended to the log."""
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "manage.py", *words],
                cwd=ROOT,
                env={**os.environ, **self.environment, **more},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def manage(self, *words: str, **more: str) -> str:
        """A management command's output. Raises CalledProcessError, TimeoutExpired."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={**os.environ, **self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        with (self.folder / "commands.log").open("a") as log:
            log.write(f"$ manage.py {' '.join(words)}\n{done.stdout}{done.stderr}\n")
        done.check_returncode()
        return done.stdout

    @contextmanager
    def connect(self, *, autocommit: bool = True) -> Iterator[psycopg.Connection[Any]]:
        """A superuser's connection."""
        with psycopg.connect(
            self.postgres.admin_url, dbname="anden", autocommit=autocommit, connect_timeout=5
        ) as connection:
            yield connection

    def query(self, text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a superuser's statement, repeated until PostgreSQL answers."""

        def once() -> list[tuple[Any, ...]]:
            with self.connect() as connection:
                cursor = connection.execute(text.encode(), parameters)
                return cursor.fetchall() if cursor.description else []

        return retry(once)

    def apply(self, plans: Sequence[Plan], *, added: Sequence[str] = (), **more: str) -> None:
        """Apply the contracts of these plans."""
        folder = self.folder / "contracts" / secrets.token_hex(4)
        folder.mkdir(parents=True)
        for plan in plans:
            (folder / f"{plan.name}.yaml").write_text(yaml.safe_dump(plan.contract(added=added)))
        self.manage("datasets", "apply", str(folder), **more)

    def topic_make(self, topic: str, partitions: int) -> str:
        """Create the topic; return its id."""
        self.admin.create_topics([NewTopic(topic, partitions, 1)], request_timeout=20)[topic].result(30)
        return retry(lambda: self.topic_id(topic))

    def topic_id(self, topic: str) -> str:
        """The topic's id. Raises KafkaException."""
        return str(self.admin.describe_topics(TopicCollection([topic]), request_timeout=10)[topic].result(20).topic_id)

    def make_other(self, plan: Plan) -> dict[str, str]:
        """The environment of a second installation on the same servers, with one dataset in a separate database."""
        self.query(f"CREATE DATABASE {OTHER} OWNER anden_owner")
        urls = {name: f"{url.rpartition('/')[0]}/{OTHER}" for name, url in self.postgres.urls().items()}
        retry(lambda: self.manage("migrate", "--verbosity=0", **urls))
        retry(lambda: self.apply([plan], **urls))
        return urls


@contextmanager
def installation(folder: Path, plans: Sequence[Plan], *, refresh_s: float) -> Iterator[Installation]:
    """Start both servers in the folder, migrate, apply the contracts, create the topics."""
    with (
        ThreadPoolExecutor(3, thread_name_prefix="servers") as starters,
        EmbeddedPostgres(folder / "postgres") as postgres,
        EmbeddedKafka(folder / "kafka", quick=True, more=KAFKA) as kafka,
    ):
        environment = {
            **postgres.urls(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ANDEN_SECRET_KEY": secrets.token_urlsafe(48),
            "ANDEN_STATIC_ROOT": str(folder / "static"),
            "ANDEN_CELERY_FOLDER": str(folder / "celery"),
            "ANDEN_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "ANDEN_KAFKA_GROUP_ID": "chaos",
            "ANDEN_KAFKA_SESSION_TIMEOUT_MS": "3000",
            "ANDEN_INGEST_REFRESH_S": str(refresh_s),
        }
        one = Installation(folder, postgres, kafka, environment, starters)
        one.manage("migrate", "--verbosity=0")
        one.apply(plans)
        admin = one.admin
        wanted = [NewTopic(topic, plan.partitions, 1) for topic, plan in topics(plans).items()]
        for future in admin.create_topics(wanted).values():
            future.result(30)
        yield one
