"""The metrics of the fleet: how its services stand, and how their evaluation does."""

from typing import Final

from apps.telemetry.metric import Metric

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
    "anden_fleet_shift_ratio",
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
FLEET_LAST_EVALUATION: Final = Metric(
    "anden_fleet_last_evaluation_timestamp_seconds", "When the fleet was last evaluated, Unix time.", "gauge"
)
OPEN_INCIDENTS: Final = Metric(
    "anden_open_incidents", "Incidents that are not closed, by kind.", "gauge", labels=("kind",)
)
