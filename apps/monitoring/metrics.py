"""The metrics of monitoring: how the fleet stands, and how monitoring itself does."""

from typing import Final

from apps.datasets.core.metric import Metric

FLEET_SCORE: Final = Metric(
    "anden_fleet_signal_score",
    "How far a service's signal stands from its own usual and its peers, as a robust z; absent without data.",
    "gauge",
    labels=("service", "signal"),
)
FLEET_STATE: Final = Metric(
    "anden_fleet_service_state",
    "How a service stands: 0 ok, 1 outlier, 2 no data, 3 learning, 4 with its zone.",
    "gauge",
    labels=("service",),
)
FLEET_SERVICES: Final = Metric("anden_fleet_services", "Services of the fleet by state.", "gauge", labels=("state",))
FLEET_SHIFT: Final = Metric(
    "anden_fleet_shift_factor",
    "How the whole fleet stands against its own usual of this time of day: 1.6 is sixty per cent above.",
    "gauge",
    labels=("signal",),
)
FLEET_EVALUATION_SECONDS: Final = Metric(
    "anden_fleet_evaluation_seconds",
    "Seconds of one evaluation of the fleet by phase: read, score, store.",
    "histogram",
    labels=("phase",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
FLEET_EVALUATIONS: Final = Metric(
    "anden_fleet_evaluations_total",
    "Evaluations of the fleet, by how they ended: ok, or an error of monitoring's tree.",
    "counter",
    labels=("outcome",),
)
FLEET_EVALUATED: Final = Metric(
    "anden_fleet_evaluated_timestamp_seconds", "When the fleet was last evaluated, Unix time.", "gauge"
)
INCIDENTS_OPEN: Final = Metric(
    "anden_incidents_open_incidents", "Incidents that are not closed, by kind.", "gauge", labels=("kind",)
)
JOBS: Final = Metric(
    "anden_background_jobs", "Jobs that are queued, running or failed, by state.", "gauge", labels=("state",)
)
JOBS_WAITING: Final = Metric(
    "anden_background_jobs_waiting_timestamp_seconds",
    "Since when the job of this kind that waits longest could run, Unix time; absent where none waits.",
    "gauge",
    labels=("kind",),
)
SYNCED: Final = Metric(
    "anden_dashboards_synced_timestamp_seconds",
    "When Grafana was last in step with dashboards and rules, Unix time; 0 where it never was.",
    "gauge",
)
SYNC_REQUESTS: Final = Metric(
    "anden_dashboards_requests_total",
    "Requests to Grafana, by method and class of status (error: no answer).",
    "counter",
    labels=("method", "status"),
)
DRIFTED: Final = Metric(
    "anden_dashboards_drifted_info", "1 for each object in Grafana that was edited by hand.", "gauge", labels=("uid",)
)
CLOUDWATCH_CALLS: Final = Metric(
    "anden_cloudwatch_calls_total",
    "Calls of GetMetricData, by outcome: ok, throttled, refused, away.",
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
