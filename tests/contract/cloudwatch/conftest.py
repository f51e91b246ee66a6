"""The fake and its boto3 client; tests that depend on time define a clock."""

from collections.abc import Iterator

import pytest

from apps.cloudwatch.client.boto import BotoCloudWatch
from tests.contract.cloudwatch.clouds import SECRETS, Clock, reached
from tests.fakes.cloudwatch.fake import FakeCloudWatch


@pytest.fixture
def fake(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCloudWatch]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with FakeCloudWatch(clock=clock) as fake:
        yield fake


@pytest.fixture
def boto(fake: FakeCloudWatch) -> Iterator[BotoCloudWatch]:
    with reached(fake) as boto:
        yield boto
