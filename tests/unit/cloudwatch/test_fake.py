"""The fake is as strict as AWS documents, also where Andén's client never goes."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.cloudwatch.checks import Refused
from tests.fakes.cloudwatch.fake import FakeCloudWatch
from tests.fakes.cloudwatch.metrics import DAY_S

NOW_S = 1_793_520_000
Change = Callable[[dict[str, Any]], object]


def request(count: int = 1) -> dict[str, Any]:
    return {
        "MetricDataQueries": [
            {
                "Id": f"q{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Lambda",
                        "MetricName": "Errors",
                        "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
            for number in range(count)
        ],
        "StartTime": NOW_S - 600,
        "EndTime": NOW_S,
    }


def first(asked: dict[str, Any]) -> dict[str, Any]:
    query: dict[str, Any] = asked["MetricDataQueries"][0]
    return query


@pytest.fixture
def fake() -> FakeCloudWatch:
    return FakeCloudWatch(clock=lambda: float(NOW_S))


@pytest.mark.parametrize(
    "change",
    [
        lambda asked: asked.update(MetricDataQueries=[]),
        lambda asked: asked.update(StartTime=asked["EndTime"]),
        lambda asked: asked.pop("EndTime"),
        lambda asked: asked.update(MaxDatapoints=100_801),
        lambda asked: first(asked).update(Id="Q0"),
        lambda asked: first(asked).update(Id="0q"),
        lambda asked: first(asked).update(Id="q-0"),
        lambda asked: first(asked).update(Id="q1"),
        lambda asked: first(asked).update(Expression="q1 * 2"),
        lambda asked: first(asked).pop("MetricStat"),
        lambda asked: first(asked).update(Period=60),
        lambda asked: first(asked)["MetricStat"].update(Period=90),
        lambda asked: first(asked)["MetricStat"].update(Period=0),
        lambda asked: first(asked)["MetricStat"].update(Stat="p100.5"),
        lambda asked: first(asked)["MetricStat"]["Metric"].update(Namespace=""),
        lambda asked: first(asked)["MetricStat"]["Metric"]["Dimensions"][0].update(Value=""),
        lambda asked: first(asked)["MetricStat"]["Metric"]["Dimensions"][0].update(Value="señal"),
        lambda asked: first(asked)["MetricStat"]["Metric"].update(
            Dimensions=[{"Name": f"n{number}", "Value": "v"} for number in range(31)]
        ),
        lambda asked: [query.update(ReturnData=False) for query in asked["MetricDataQueries"]],
        lambda asked: asked.update(NextToken="made-up"),
    ],
)
def test_a_request_that_aws_refuses_is_refused(fake: FakeCloudWatch, change: Change) -> None:
    asked = request(2)
    assert fake.answer("GetMetricData", request(2))["MetricDataResults"]
    change(asked)
    with pytest.raises(Refused):
        fake.answer("GetMetricData", asked)


def test_metric_math_is_refused(fake: FakeCloudWatch) -> None:
    asked = request(2)
    asked["MetricDataQueries"].append({"Id": "e1", "Expression": "q0 / q1"})
    with pytest.raises(Refused, match="only SEARCH"):
        fake.answer("GetMetricData", asked)


def test_the_newest_point_comes_first_by_default(fake: FakeCloudWatch) -> None:
    for minute in range(3):
        fake.put("AWS/Lambda", "Errors", {"FunctionName": "f"}, NOW_S - 180 + 60 * minute, float(minute))
    (newest_first,) = fake.answer("GetMetricData", request())["MetricDataResults"]
    assert newest_first["Values"] == [2, 1, 0]
    (oldest_first,) = fake.answer("GetMetricData", {**request(), "ScanBy": "TimestampAscending"})["MetricDataResults"]
    assert oldest_first["Values"] == [0, 1, 2]


def test_the_window_excludes_its_end_and_all_dimensions_must_match(fake: FakeCloudWatch) -> None:
    fake.put("AWS/Lambda", "Errors", {"FunctionName": "f"}, NOW_S, 1.0)
    fake.put("AWS/Lambda", "Errors", {"FunctionName": "f", "Resource": "f:prod"}, NOW_S - 60, 1.0)
    fake.put("AWS/Lambda", "Errors", {"FunctionName": "f"}, NOW_S - 60, 9.0, visible_s=NOW_S + 1)
    assert fake.answer("GetMetricData", request())["MetricDataResults"][0]["Values"] == []


@pytest.mark.parametrize(
    ("days", "period_s", "kept"),
    [(1, 60, True), (16, 60, False), (16, 300, True), (64, 300, False), (64, 3600, True)],
)
def test_old_points_exist_only_in_coarser_periods(
    fake: FakeCloudWatch, days: int, period_s: int, *, kept: bool
) -> None:
    at_s = (NOW_S - days * DAY_S) // 3600 * 3600
    fake.put("AWS/Lambda", "Errors", {"FunctionName": "f"}, at_s, 1.0)
    asked = {**request(), "StartTime": at_s, "EndTime": at_s + 3600}
    first(asked)["MetricStat"]["Period"] = period_s
    assert bool(fake.answer("GetMetricData", asked)["MetricDataResults"][0]["Values"]) is kept


def test_a_page_that_ends_within_a_series_has_partial_data(fake: FakeCloudWatch) -> None:
    fake.page_points = 4
    for minute in range(6):
        fake.put("AWS/Lambda", "Errors", {"FunctionName": "f"}, NOW_S - 360 + 60 * minute, float(minute))
    page = fake.answer("GetMetricData", request())
    assert [one["StatusCode"] for one in page["MetricDataResults"]] == ["PartialData"]
    rest = fake.answer("GetMetricData", {**request(), "NextToken": page["NextToken"]})
    assert [(one["StatusCode"], one["Values"]) for one in rest["MetricDataResults"]] == [("Complete", [1, 0])]
    assert "NextToken" not in rest
