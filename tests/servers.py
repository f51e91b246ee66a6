"""Real servers for tests, started at most once per session and only if a test uses them.

A plugin: pytest_plugins = ["tests.servers"]
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from embedded.errors import NetworkNeeded, NotInstalled
from embedded.kafka import EmbeddedKafka
from embedded.postgres import EmbeddedPostgres
from tests.requirement import skip_or_fail


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL 18 with the empty database `anden` and its owner role."""
    with TemporaryDirectory(prefix="anden-postgres-") as folder:
        # So that an unprivileged user can reach the data if root has to run PostgreSQL as one.
        Path(folder).chmod(0o711)
        try:
            with EmbeddedPostgres(Path(folder), quick=True) as server:
                yield server
        except NotInstalled as exc:
            skip_or_fail(str(exc))


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[EmbeddedKafka]:
    """A running Kafka broker without topics."""
    with TemporaryDirectory(prefix="anden-kafka-") as folder:
        try:
            with EmbeddedKafka(Path(folder), quick=True) as server:
                yield server
        except (NotInstalled, NetworkNeeded) as exc:
            skip_or_fail(str(exc))
