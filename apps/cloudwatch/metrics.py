"""Metrics of CloudWatch collection: its results and its cost."""

from typing import Final

from apps.telemetry.metric import Metric

CLOUDWATCH_CALLS: Final = Metric(
    "anden_cloudwatch_calls_total",
    "GetMetricData calls by outcome: ok, throttled, refused, unavailable.",
    "counter",
    labels=("outcome",),
)
CLOUDWATCH_METRICS: Final = Metric(
    "anden_cloudwatch_metrics_requested_total", "Metrics requested, which is what AWS bills.", "counter"
)
CLOUDWATCH_SPENT: Final = Metric(
    "anden_cloudwatch_spent_usd", "Cost of this month's calls so far, US dollars.", "gauge"
)
CLOUDWATCH_BUDGET: Final = Metric(
    "anden_cloudwatch_budget_usd", "Monthly budget for calls, US dollars; collection stops there.", "gauge"
)
CLOUDWATCH_VALUE: Final = Metric(
    "anden_cloudwatch_point_value",
    "Newest point of a catalogue metric, in the metric's unit; absent if CloudWatch has no recent point.",
    "gauge",
    labels=("metric", "statistic", "resource"),
)
CLOUDWATCH_POINTS: Final = Metric(
    "anden_cloudwatch_points_total",
    "Points collected, each once, by arrival: timely, or late if CloudWatch delivered them in a later cycle.",
    "counter",
    labels=("arrival",),
)
CLOUDWATCH_COLLECTED: Final = Metric(
    "anden_cloudwatch_collected_timestamp_seconds", "When a cycle last succeeded, Unix time.", "gauge"
)
CLOUDWATCH_STOPPED: Final = Metric(
    "anden_cloudwatch_stopped_bool", "1 while collection is stopped because the month's budget is spent.", "gauge"
)
