"""The real servers of the tests: started at most once a session, only where a test asks for them.

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
        # Where root must run it as `nobody`, the data can then lie here, and goes with the folder.
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
