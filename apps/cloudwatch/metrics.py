"""The metrics of the collection from CloudWatch: what it brought, and what it cost."""

from typing import Final

from apps.telemetry.metric import Metric

CLOUDWATCH_CALLS: Final = Metric(
    "anden_cloudwatch_calls_total",
    "Calls of GetMetricData, by outcome: ok, throttled, refused, unavailable.",
    "counter",
    labels=("outcome",),
)
CLOUDWATCH_METRICS: Final = Metric(
    "anden_cloudwatch_metrics_requested_total", "Metrics asked for, which is what AWS bills.", "counter"
)
CLOUDWATCH_SPENT: Final = Metric(
    "anden_cloudwatch_spent_usd", "What this month's calls have cost so far, US dollars.", "gauge"
)
CLOUDWATCH_BUDGET: Final = Metric(
    "anden_cloudwatch_budget_usd", "What a month's calls may cost, US dollars; collection stops there.", "gauge"
)
CLOUDWATCH_VALUE: Final = Metric(
    "anden_cloudwatch_point_value",
    "The newest point of a metric of the catalogue, in the metric's own unit; absent when CloudWatch has none.",
    "gauge",
    labels=("metric", "statistic", "resource"),
)
CLOUDWATCH_POINTS: Final = Metric(
    "anden_cloudwatch_points_total",
    "Points taken over, each once: timely, or late when CloudWatch had them only in a later cycle.",
    "counter",
    labels=("arrival",),
)
CLOUDWATCH_COLLECTED: Final = Metric(
    "anden_cloudwatch_collected_timestamp_seconds", "When a whole cycle last ended well, Unix time.", "gauge"
)
CLOUDWATCH_STOPPED: Final = Metric(
    "anden_cloudwatch_stopped_bool", "1 while collection stands still because the month's budget is spent.", "gauge"
)
