"""Request validation of GetMetricData and PutDashboard, as AWS documents it."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.cloudwatch.catalogue.statistics import is_statistic
from apps.cloudwatch.collector.batching import POINTS_A_CALL, QUERIES_A_CALL

ID: Final = re.compile(r"^[a-z][a-zA-Z0-9_]*$")
NAME: Final = re.compile(r"^[A-Za-z0-9_-]{1,255}$")
SHORT_PERIODS: Final = frozenset({1, 5, 10, 30})
DIMENSIONS: Final = 30
BODY_BYTES: Final = 1_048_576


@dataclass
class Refused(Exception):
    """An error response: `code` is its name on the wire."""

    code: str
    message: str
    status: int = 400


def check_metric_data(request: Mapping[str, Any]) -> None:
    """Raises Refused with AWS's error."""
    queries = request.get("MetricDataQueries")
    if not isinstance(queries, list) or not queries:
        raise Refused("MissingParameter", "The parameter MetricDataQueries is required.")
    if len(queries) > QUERIES_A_CALL:
        raise Refused(
            "ValidationError",
            f"The collection MetricDataQueries must not have a size greater than {QUERIES_A_CALL}.",
        )
    start, end = request.get("StartTime"), request.get("EndTime")
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        raise Refused("MissingParameter", "The parameters StartTime and EndTime are required.")
    if start >= end:
        raise Refused("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
    if not 1 <= request.get("MaxDatapoints", POINTS_A_CALL) <= POINTS_A_CALL:
        raise Refused("ValidationError", f"MaxDatapoints must be between 1 and {POINTS_A_CALL}.")
    _check_ids(queries)
    for query in queries:
        _check_query(query)
    if not any(query.get("ReturnData", True) for query in queries):
        raise Refused("ValidationError", "At least one query must have ReturnData true.")


def _check_ids(queries: Sequence[Mapping[str, Any]]) -> None:
    for query in queries:
        if not ID.match(str(query.get("Id", ""))):
            raise Refused(
                "ValidationError", f"The value {query.get('Id')} for parameter Id is not matching {ID.pattern}"
            )
    twice = [name for name, count in Counter(query["Id"] for query in queries).items() if count > 1]
    if twice:
        raise Refused("ValidationError", f"The values for parameter Id must be unique: {twice[0]} is not.")


def _check_query(query: Mapping[str, Any]) -> None:
    stat, expression = query.get("MetricStat"), query.get("Expression")
    if (stat is None) == (expression is None):
        raise Refused("ValidationError", f"Query {query['Id']} needs either MetricStat or Expression.")
    if stat is None:
        _check_period(query.get("Period", 60))
        return
    if "Period" in query:
        raise Refused("ValidationError", f"Query {query['Id']} has a Period in addition to its MetricStat.")
    _check_period(stat.get("Period"))
    if not is_statistic(str(stat.get("Stat", ""))):
        raise Refused("ValidationError", f"Invalid statistic: {stat.get('Stat')}")
    metric = stat.get("Metric", {})
    if not metric.get("Namespace") or not metric.get("MetricName"):
        raise Refused("MissingParameter", "The parameters Namespace and MetricName are required.")
    dimensions = metric.get("Dimensions", [])
    if len(dimensions) > DIMENSIONS:
        raise Refused("ValidationError", f"A metric has at most {DIMENSIONS} dimensions.")
    for one in dimensions:
        if not one.get("Name") or not one.get("Value"):
            raise Refused("ValidationError", "A dimension needs a name and a value of at least one character.")
        if not str(one["Value"]).isascii():
            raise Refused("ValidationError", "The value of a dimension must be ASCII.")


def _check_period(period: object) -> None:
    if not isinstance(period, int) or period < 1 or (period not in SHORT_PERIODS and period % 60):
        raise Refused("ValidationError", "Period must be 1, 5, 10, 30 or a multiple of 60.")


def check_dashboard(name: str, body: str) -> list[dict[str, str]]:
    """CloudWatch's warnings about a dashboard it accepts. Raises Refused with AWS's error."""
    if not NAME.match(name):
        raise Refused("InvalidParameterValue", f"The name must match {NAME.pattern}.")
    if len(body.encode()) > BODY_BYTES:
        raise Refused("InvalidParameterInput", "The dashboard body is larger than 1 MB.")
    try:
        dashboard = json.loads(body)
        widgets = dashboard["widgets"]
        kinds = [widget["type"] for widget in widgets]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(
            "InvalidParameterInput", "The dashboard body is invalid, there are validation errors."
        ) from error
    known = {"metric", "text", "log", "alarm", "explorer", "custom"}
    if not set(kinds) <= known or len(widgets) > 500:
        raise Refused("InvalidParameterInput", "The dashboard body is invalid, there are validation errors.")
    return [
        {"DataPath": f"/widgets/{index}/properties", "Message": "Missing field: properties"}
        for index, widget in enumerate(widgets)
        if "properties" not in widget
    ]
