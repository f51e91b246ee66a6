"""Alerts on ingest: stopped sources, growing or missing lag, records held back, a growing quarantine."""

from typing import Final

from apps.ingest.metrics import HELD_BACK_SECONDS, LAG_RECORDS, LAG_SECONDS, REJECTS, STOPPED
from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.slos import HELD_BACK_TOO_LONG_S, lag_measured
from apps.telemetry.promql import LabelMatcher, compose, increase, level

_DATASET: Final = ("dataset",)

INGEST_ALERTS: Final = (
    Alert(
        "IngestSourceStopped",
        compose("{} > 0", level(STOPPED, by=_DATASET)),
        for_="2m",
        severity="page",
        summary="Ingest of {{ $labels.dataset }} has stopped on inconsistent state and does not resume on its own",
        description="Stopped sources: {{ $value }}. The topic was recreated, retention deleted offsets, or "
        "coordinates repeat: someone must decide. Records are lost if the topic's retention ends first.",
        dashboard="ingest",
        link_labels=_DATASET,
    ),
    Alert(
        "IngestLagGrowing",
        compose(
            "{} > 300 and deriv({}[1h:1m]) > 0",
            level(LAG_SECONDS, by=_DATASET),
            level(LAG_RECORDS, by=_DATASET),
        ),
        for_="15m",
        severity="ticket",
        summary="Ingest of {{ $labels.dataset }} falls further and further behind its topic",
        description="It is {{ $value | humanizeDuration }} behind, and the lag has grown for an hour. "
        "Records are lost when it reaches the topic's retention.",
        dashboard="ingest",
        link_labels=_DATASET,
    ),
    Alert(
        "IngestHeldBack",
        compose(f"{{}} > {HELD_BACK_TOO_LONG_S:g}", level(HELD_BACK_SECONDS, by=_DATASET)),
        for_="5m",
        severity="page",
        summary="An open transaction holds back the records of {{ $labels.dataset }}: none behind it can be read",
        description="It is open for {{ $value | humanizeDuration }}. Its producer probably died: Kafka returns no "
        "record behind it until somebody aborts it.",
        dashboard="ingest",
        link_labels=_DATASET,
    ),
    Alert(
        "IngestLagMissing",
        compose("{} == 0 or absent({})", lag_measured(), lag_measured()),
        for_="5m",
        severity="page",
        summary="Consumer lag is not measured: freshness is unknown, not good",
        description="The lag exporter is down, hangs, or cannot reach Kafka or PostgreSQL.",
        dashboard="ingest",
    ),
    Alert(
        "QuarantineGrowing",
        compose(
            "{} > 1000", increase(REJECTS, LabelMatcher("reason", "late_dropped", "!="), by=_DATASET, window="6h")
        ),
        for_="10m",
        severity="ticket",
        summary="The quarantine of {{ $labels.dataset }} grows: a producer sends records that violate its contract",
        description="Records quarantined within six hours: {{ $value | humanize }}. They wait for a steward.",
        dashboard="ingest",
        link_labels=_DATASET,
    ),
)
