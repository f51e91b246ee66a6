"""CloudWatch for the contract tests: the strict fake, or AWS on request."""

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from apps.cloudwatch.client.boto import BotoCloudWatch
from apps.cloudwatch.client.budget import MemoryRequestBudget
from apps.cloudwatch.client.metered import MeteredCloudWatch
from apps.cloudwatch.client.port import MetricData
from apps.cloudwatch.collector.batching import QueryWindow
from apps.cloudwatch.collector.queries import Labels, MetricQuery, Point
from apps.telemetry.errors import SourceUnavailable
from tests.fakes.cloudwatch.fake import FakeCloudWatch

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIDFAKE",
    "AWS_SECRET_ACCESS_KEY": "wJalrSECRETSECRETSECRET",
    "AWS_SESSION_TOKEN": "FwoGTOKENTOKENTOKENTOKEN",
}
NOT_RUN = "not run: set ANDEN_TEST_AWS=1, AWS_REGION and credentials to run against AWS"


@dataclass
class Clock:
    """A clock that advances only when a test sleeps."""

    now_s: float = 1_793_500_000.0
    waited_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.waited_s += seconds


@dataclass
class Cloud:
    """A CloudWatch and its client; `name` is an unused dashboard name."""

    boto: BotoCloudWatch
    name: str = field(default_factory=lambda: f"anden-contract-{uuid.uuid4().hex[:12]}")


@contextmanager
def any_cloud(kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The fake, or AWS if the environment enables it."""
    if kind == "aws":
        yield from _real()
        return
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with FakeCloudWatch() as fake, reached(fake) as boto:
        yield Cloud(boto)


def _real() -> Iterator[Cloud]:
    if os.environ.get("ANDEN_TEST_AWS") != "1":
        pytest.skip(NOT_RUN)
    region = os.environ["AWS_REGION"]
    cloud = Cloud(BotoCloudWatch(region=region))
    yield cloud
    cloud.boto.close()
    client: Any = boto3.session.Session().client("cloudwatch", region_name=region)
    client.delete_dashboards(DashboardNames=[cloud.name])
    client.close()


@contextmanager
def reached(fake: FakeCloudWatch, *, timeout_s: float = 5.0) -> Iterator[BotoCloudWatch]:
    """A boto3 client of the fake."""
    boto = BotoCloudWatch(region="eu-west-1", endpoint_url=fake.url, timeout_s=timeout_s)
    yield boto
    boto.close()


def metered(data: MetricData, clock: Clock, budget: MemoryRequestBudget | None = None) -> MeteredCloudWatch:
    """A metered CloudWatch on this clock."""
    return MeteredCloudWatch(data, budget or MemoryRequestBudget(), clock=clock, sleep=clock.sleep)


def functions(count: int, *, statistic: str = "Sum", name: str = "Errors") -> tuple[MetricQuery, ...]:
    """One query for each of `count` functions."""
    return tuple(
        MetricQuery(
            labels=(f"f{number}",),
            namespace="AWS/Lambda",
            name=name,
            dimensions=(("FunctionName", f"f{number}"),),
            statistic=statistic,
        )
        for number in range(count)
    )


def asked(
    cloudwatch: MeteredCloudWatch, queries: tuple[MetricQuery, ...], window: QueryWindow
) -> dict[Labels, list[Point]]:
    """The points of all calls."""
    found: dict[Labels, list[Point]] = {}
    for call in cloudwatch.fetch(queries, window):
        found.update(call.points)
    return found


def show(figures: str) -> None:
    """Print figures; `pytest -s` shows them."""
    sys.stdout.write(f"\n{figures}\n")


@dataclass
class UnavailableCloudWatch:
    """A CloudWatch that is unavailable."""

    calls: int = 0

    def page(self, *_: object, **__: object) -> Any:
        self.calls += 1
        raise SourceUnavailable
