"""Alerts on infrastructure: scrape targets, volumes, certificates, the probe."""

from typing import Final

from apps.api.metrics import PROBE_LAST_RUN
from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.conditions import days_left, stale
from apps.monitoring.third_party_metrics import CERTIFICATE_EXPIRY, UP, VOLUME_AVAILABLE, VOLUME_CAPACITY
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, level, series

ANDEN_JOBS: Final = LabelMatcher("job", "anden.*", "=~")
"""The jobs of Andén's targets, and of the certificates probed for it."""
_CLAIM: Final = ("namespace", "persistentvolumeclaim")


def _left() -> PromqlQuery:
    """The free share of each volume."""
    return compose("{} / {}", level(VOLUME_AVAILABLE, by=_CLAIM, aggregate="min"), level(VOLUME_CAPACITY, by=_CLAIM))


def _full_within(hours: int) -> PromqlQuery:
    """Volumes that reach zero within `hours` if the last six hours continue."""
    return compose(
        f"min by ({', '.join(_CLAIM)}) (predict_linear({{}}[6h], {hours * 3_600})) < 0", series(VOLUME_AVAILABLE)
    )


INFRASTRUCTURE_ALERTS: Final = (
    Alert(
        "AllTargetsDown",
        compose("absent({} == 1)", series(UP, ANDEN_JOBS)),
        for_="5m",
        severity="page",
        summary="Prometheus reaches no Andén process: Andén is down, or cannot be monitored",
        description="No target of a job anden… has answered for five minutes. Until then no other alert can fire.",
        dashboard="overview",
    ),
    Alert(
        "ScrapeTargetDown",
        compose("{} == 0", series(UP, ANDEN_JOBS)),
        for_="10m",
        severity="ticket",
        summary="{{ $labels.instance }} of {{ $labels.job }} does not respond Prometheus",
        description="The target has not been scraped for ten minutes. Its metrics are missing meanwhile.",
        dashboard="overview",
    ),
    Alert(
        "VolumeFillingUp",
        compose("{} < 0.3 and {}", _left(), _full_within(96)),
        for_="1h",
        severity="ticket",
        summary="The volume {{ $labels.persistentvolumeclaim }} will be full within four days",
        description="Free now: {{ $value | humanizePercentage }} of {{ $labels.namespace }}/"
        "{{ $labels.persistentvolumeclaim }}, and falling.",
        dashboard="database",
    ),
    Alert(
        "VolumeAlmostFull",
        compose("{} < 0.05 or ({} < 0.15 and {})", _left(), _left(), _full_within(6)),
        for_="5m",
        severity="page",
        summary="The volume {{ $labels.persistentvolumeclaim }} is almost full: writes to it will fail",
        description="Free now: {{ $value | humanizePercentage }} of {{ $labels.namespace }}/"
        "{{ $labels.persistentvolumeclaim }}.",
        dashboard="database",
    ),
    # For installations whose blackbox_exporter job has a name of ANDEN_JOBS. On AWS, ACM counts the days and a
    # CloudWatch alarm fires instead: terraform/aws/alarms.tf.
    Alert(
        "CertificateRenewalOverdue",
        days_left(level(CERTIFICATE_EXPIRY, ANDEN_JOBS, by=("instance",), aggregate="min"), 21),
        for_="1h",
        severity="ticket",
        summary="The certificate of {{ $labels.instance }} expires within three weeks: renewal is overdue",
        description="It expires in {{ $value | humanizeDuration }}; renewal is due thirty days before.",
        dashboard="overview",
    ),
    Alert(
        "CertificateExpiringSoon",
        days_left(level(CERTIFICATE_EXPIRY, ANDEN_JOBS, by=("instance",), aggregate="min"), 3),
        for_="5m",
        severity="page",
        summary="The certificate of {{ $labels.instance }} expires within three days; then no client can connect",
        description="It expires in {{ $value | humanizeDuration }}.",
        dashboard="overview",
    ),
    Alert(
        "ProbeStale",
        stale(PROBE_LAST_RUN, 600),
        for_="5m",
        severity="ticket",
        summary="The probe does not run: nothing checks Andén from outside",
        description="No probe round has completed for ten minutes. Meanwhile its objective has no data.",
        dashboard="overview",
    ),
)
