"""Alerts on what everything stands on: scrapes, volumes, certificates, the probe."""

from typing import Final

from apps.api.metrics import PROBE_LAST_RUN
from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.conditions import days_left, stale
from apps.monitoring.third_party_metrics import CERTIFICATE_EXPIRY, UP, VOLUME_AVAILABLE, VOLUME_CAPACITY
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, level, series

ANDEN_JOBS: Final = LabelMatcher("job", "anden.*", "=~")
"""The jobs of Andén's own targets, and of the certificates that are looked at for it."""
_CLAIM: Final = ("namespace", "persistentvolumeclaim")


def _left() -> PromqlQuery:
    """The share of each volume that is free."""
    return compose("{} / {}", level(VOLUME_AVAILABLE, by=_CLAIM, aggregate="min"), level(VOLUME_CAPACITY, by=_CLAIM))


def _full_within(hours: int) -> PromqlQuery:
    """Whether the last six hours, drawn on, meet zero within that many."""
    return compose(
        f"min by ({', '.join(_CLAIM)}) (predict_linear({{}}[6h], {hours * 3_600})) < 0", series(VOLUME_AVAILABLE)
    )


INFRASTRUCTURE_ALERTS: Final = (
    Alert(
        "AllTargetsDown",
        compose("absent({} == 1)", series(UP, ANDEN_JOBS)),
        for_="5m",
        severity="page",
        summary="Prometheus reaches no process of Andén: the platform is away, or nobody can see it",
        description="No target of a job anden… answered for five minutes. Until one does, no other alert can fire.",
        dashboard="overview",
    ),
    Alert(
        "ScrapeTargetDown",
        compose("{} == 0", series(UP, ANDEN_JOBS)),
        for_="10m",
        severity="ticket",
        summary="{{ $labels.instance }} of {{ $labels.job }} does not answer Prometheus",
        description="The target was not scraped for ten minutes. What only this target tells is not known meanwhile.",
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
        summary="The volume {{ $labels.persistentvolumeclaim }} is nearly full: what writes there will stop",
        description="Free now: {{ $value | humanizePercentage }} of {{ $labels.namespace }}/"
        "{{ $labels.persistentvolumeclaim }}.",
        dashboard="database",
    ),
    # For a station whose blackbox_exporter is a job of this name. On AWS, ACM counts the days itself, and an alarm of
    # CloudWatch rings instead: terraform/aws/alarms.tf.
    Alert(
        "CertificateRenewalOverdue",
        days_left(level(CERTIFICATE_EXPIRY, ANDEN_JOBS, by=("instance",), aggregate="min"), 21),
        for_="1h",
        severity="ticket",
        summary="The certificate of {{ $labels.instance }} ends within three weeks: its renewal does not work",
        description="It ends in {{ $value | humanizeDuration }}; renewal should have happened at thirty days.",
        dashboard="overview",
    ),
    Alert(
        "CertificateExpiringSoon",
        days_left(level(CERTIFICATE_EXPIRY, ANDEN_JOBS, by=("instance",), aggregate="min"), 3),
        for_="5m",
        severity="page",
        summary="The certificate of {{ $labels.instance }} ends within three days: then every client is refused",
        description="It ends in {{ $value | humanizeDuration }}.",
        dashboard="overview",
    ),
    Alert(
        "ProbeStale",
        stale(PROBE_LAST_RUN, 600),
        for_="5m",
        severity="ticket",
        summary="The probe does not run: nobody looks at the station from the outside",
        description="No round of the probe ended for ten minutes. While that lasts, its objective says nothing.",
        dashboard="overview",
    ),
)
