"""Alerts on ingest: sources that stand still, lag that grows, a quarantine that fills."""

from typing import Final

from apps.ingest.metrics import LAG_RECORDS, LAG_SECONDS, REJECTS, STOPPED
from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.slos import lag_measured
from apps.telemetry.promql import LabelMatcher, compose, increase, level

_DATASET: Final = ("dataset",)

INGEST_ALERTS: Final = (
    Alert(
        "IngestSourceStopped",
        compose("{} > 0", level(STOPPED, by=_DATASET)),
        for_="2m",
        severity="page",
        summary="Ingest of {{ $labels.dataset }} has stopped because of its state and will not go on by itself",
        description="Stopped sources: {{ $value }}. A topic was made again, offsets were lost to retention, or "
        "coordinates came twice: somebody must decide. Records are lost when the topic's retention ends first.",
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
        summary="Ingest of {{ $labels.dataset }} falls ever further behind its topic",
        description="It is {{ $value | humanizeDuration }} behind, and the number of waiting records has risen for an "
        "hour. When the lag reaches the topic's retention, records are lost.",
        dashboard="ingest",
        link_labels=_DATASET,
    ),
    Alert(
        "IngestLagMissing",
        compose("{} == 0 or absent({})", lag_measured(), lag_measured()),
        for_="5m",
        severity="page",
        summary="Nobody measures how far ingest is behind: freshness is unknown, not good",
        description="The exporter of lag does not run, stands still, or reaches Kafka or PostgreSQL no more.",
        dashboard="ingest",
    ),
    Alert(
        "QuarantineGrowing",
        compose(
            "{} > 1000", increase(REJECTS, LabelMatcher("reason", "late_dropped", "!="), by=_DATASET, window="6h")
        ),
        for_="10m",
        severity="ticket",
        summary="The quarantine of {{ $labels.dataset }} fills: somebody sends what its contract refuses",
        description="Records refused within six hours: {{ $value | humanize }}. Each is kept until a steward decides.",
        dashboard="ingest",
        link_labels=_DATASET,
    ),
)
