"""CloudWatch for the contract's cases: the strict fake, and AWS where somebody asks for it."""

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
NOT_RUN = "not run: set ANDEN_TEST_AWS=1, AWS_REGION and credentials to ask a real CloudWatch"


@dataclass
class Clock:
    """A time that passes only when somebody waits."""

    now_s: float = 1_793_500_000.0
    waited_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.waited_s += seconds


@dataclass
class Cloud:
    """One CloudWatch and how to reach it; `name` is a dashboard that is nobody's."""

    boto: BotoCloudWatch
    name: str = field(default_factory=lambda: f"anden-contract-{uuid.uuid4().hex[:12]}")


@contextmanager
def any_cloud(kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The fake, or AWS where the environment says so."""
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
    """The fake by boto3."""
    boto = BotoCloudWatch(region="eu-west-1", endpoint_url=fake.url, timeout_s=timeout_s)
    yield boto
    boto.close()


def metered(data: MetricData, clock: Clock, budget: MemoryRequestBudget | None = None) -> MeteredCloudWatch:
    """CloudWatch asked within limits, in the clock's time."""
    return MeteredCloudWatch(data, budget or MemoryRequestBudget(), clock=clock, sleep=clock.sleep)


def functions(count: int, *, statistic: str = "Sum", name: str = "Errors") -> tuple[MetricQuery, ...]:
    """So many queries, one for each of so many functions."""
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
    """All points of all calls."""
    found: dict[Labels, list[Point]] = {}
    for answer in cloudwatch.ask(queries, window):
        found.update(answer.points)
    return found


def show(figures: str) -> None:
    """Print figures for a person; `pytest -s` shows them."""
    sys.stdout.write(f"\n{figures}\n")


@dataclass
class Away:
    """A CloudWatch that does not answer."""

    calls: int = 0

    def page(self, *_: object, **__: object) -> Any:
        self.calls += 1
        raise SourceUnavailable
