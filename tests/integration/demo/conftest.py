"""A broker for these tests only, since the demo's topics have fixed names."""

from collections.abc import Iterator

import pytest

from embedded.errors import NetworkNeeded, NotInstalled
from embedded.kafka import EmbeddedKafka
from tests.requirement import skip_or_fail


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A running broker without topics."""
    try:
        with EmbeddedKafka(tmp_path_factory.mktemp("kafka"), quick=True) as server:
            yield server
    except (NotInstalled, NetworkNeeded) as exc:
        skip_or_fail(str(exc))
