"""The metrics of the fleet: the states of its services, and the health of the evaluation."""

from typing import Final

from apps.telemetry.metric import Metric

FLEET_SCORE: Final = Metric(
    "anden_fleet_signal_score",
    "Deviation of a service's signal from its baseline and its peers, as a robust z; absent without data.",
    "gauge",
    labels=("service", "signal"),
)
FLEET_STATE: Final = Metric(
    "anden_fleet_service_state",
    "State of a service: 0 ok, 1 outlier, 2 no data, 3 learning, 4 shifted with its zone.",
    "gauge",
    labels=("service",),
)
FLEET_SERVICES: Final = Metric("anden_fleet_services", "Services of the fleet by state.", "gauge", labels=("state",))
FLEET_SHIFT: Final = Metric(
    "anden_fleet_shift_ratio",
    "Shift of the fleet from its baseline for this time of day: 1.6 is 60 % above.",
    "gauge",
    labels=("signal",),
)
FLEET_EVALUATION_SECONDS: Final = Metric(
    "anden_fleet_evaluation_seconds",
    "Duration of one fleet evaluation by phase: read, score, store.",
    "histogram",
    labels=("phase",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
FLEET_EVALUATIONS: Final = Metric(
    "anden_fleet_evaluations_total",
    "Fleet evaluations by outcome: ok, or the name of the error.",
    "counter",
    labels=("outcome",),
)
FLEET_LAST_EVALUATION: Final = Metric(
    "anden_fleet_last_evaluation_timestamp_seconds",
    "Time of the last successful fleet evaluation, Unix time.",
    "gauge",
)
OPEN_INCIDENTS: Final = Metric(
    "anden_open_incidents", "Active (not closed) incidents by kind.", "gauge", labels=("kind",)
)
