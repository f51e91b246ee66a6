"""What the collector relies on in CloudWatch: the same tests against the strict fake and AWS."""

import json
import time
from collections.abc import Iterator

import pytest

from apps.cloudwatch.collector.queries import MetricQuery
from apps.telemetry.errors import SourceRefused
from tests.contract.cloudwatch.clouds import Cloud, any_cloud, functions

MINUTE = int(time.time() // 60) * 60
BODY = {
    "widgets": [
        {"type": "text", "x": 0, "y": 0, "width": 24, "height": 1, "properties": {"markdown": "# Andén contract test"}}
    ]
}


@pytest.fixture(params=["fake", "aws"])
def cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with any_cloud(request.param, monkeypatch) as cloud:
        yield cloud


def test_an_unmeasured_metric_is_missing_not_zero(cloud: Cloud) -> None:
    (result,) = cloud.boto.page(functions(1, name="Unmeasured"), start_s=MINUTE - 600, end_s=MINUTE).results
    assert (result.index, result.points, result.status) == (0, (), "Complete")


@pytest.mark.parametrize("statistic", ["Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p95", "p99.9"])
def test_every_statistic_of_the_catalogue_is_accepted(cloud: Cloud, statistic: str) -> None:
    page = cloud.boto.page(functions(1, statistic=statistic), start_s=MINUTE - 600, end_s=MINUTE)
    assert [result.index for result in page.results] == [0]


@pytest.mark.parametrize("statistic", ["average", "p101", "median"])
def test_an_unknown_statistic_is_refused(cloud: Cloud, statistic: str) -> None:
    with pytest.raises(SourceRefused):
        cloud.boto.page(functions(1, statistic=statistic), start_s=MINUTE - 600, end_s=MINUTE)


def test_five_hundred_queries_are_answered_in_one_call(cloud: Cloud) -> None:
    page = cloud.boto.page(functions(500), start_s=MINUTE - 960, end_s=MINUTE)
    assert sorted({result.index for result in page.results}) == list(range(500))
    assert page.token == ""


def test_five_hundred_and_one_queries_are_refused(cloud: Cloud) -> None:
    with pytest.raises(SourceRefused, match="500"):
        cloud.boto.page(functions(501), start_s=MINUTE - 960, end_s=MINUTE)


def test_a_window_that_ends_before_it_begins_is_refused(cloud: Cloud) -> None:
    with pytest.raises(SourceRefused, match="StartTime"):
        cloud.boto.page(functions(1), start_s=MINUTE, end_s=MINUTE - 60)


def test_an_unknown_token_is_refused(cloud: Cloud) -> None:
    with pytest.raises(SourceRefused):
        cloud.boto.page(functions(1), start_s=MINUTE - 600, end_s=MINUTE, token="made-up")


def test_a_period_of_ninety_seconds_is_refused(cloud: Cloud) -> None:
    (query,) = functions(1)
    odd = MetricQuery(query.labels, query.namespace, query.name, query.dimensions, query.statistic, period_s=90)
    with pytest.raises(SourceRefused, match=r"[Pp]eriod"):
        cloud.boto.page([odd], start_s=MINUTE - 600, end_s=MINUTE)


def test_a_search_without_matches_returns_no_points(cloud: Cloud) -> None:
    expression = "SEARCH('{AWS/Lambda,FunctionName} MetricName=\"Unmeasured\"', 'Sum', 60)"
    page = cloud.boto.page([MetricQuery(("all",), expression=expression)], start_s=MINUTE - 600, end_s=MINUTE)
    assert [result.points for result in page.results if result.points] == []


def test_a_dashboard_that_was_put_comes_back_equivalent(cloud: Cloud) -> None:
    assert cloud.boto.body(cloud.name) is None
    assert cloud.boto.put(cloud.name, json.dumps(BODY, indent=3)) == ()
    assert json.loads(cloud.boto.body(cloud.name) or "") == BODY


@pytest.mark.parametrize("body", ["{", "[]", '{"widgets": [{"type": "song"}]}'])
def test_an_invalid_dashboard_is_refused(cloud: Cloud, body: str) -> None:
    with pytest.raises(SourceRefused, match="PutDashboard"):
        cloud.boto.put(cloud.name, body)
