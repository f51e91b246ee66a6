"""Alerts on what everything stands on: scrapes, volumes, certificates, the probe."""

from typing import Final

from apps.api.metrics import PROBED
from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.conditions import days_left, stale
from apps.monitoring.third_party_metrics import CERTIFICATE_UNTIL, UP, VOLUME_AVAILABLE, VOLUME_CAPACITY
from apps.telemetry.promql import Match, Query, compose, level, series

OURS: Final = Match("job", "anden.*", "=~")
"""The jobs of Andén's own targets, and of the certificates that are looked at for it."""
_CLAIM: Final = ("namespace", "persistentvolumeclaim")


def _left() -> Query:
    """The share of each volume that is free."""
    return compose("{} / {}", level(VOLUME_AVAILABLE, by=_CLAIM, aggregate="min"), level(VOLUME_CAPACITY, by=_CLAIM))


def _full_within(hours: int) -> Query:
    """Whether the last six hours, drawn on, meet zero within that many."""
    return compose(
        f"min by ({', '.join(_CLAIM)}) (predict_linear({{}}[6h], {hours * 3_600})) < 0", series(VOLUME_AVAILABLE)
    )


STATION_ALERTS: Final = (
    Alert(
        "NothingScraped",
        compose("absent({} == 1)", series(UP, OURS)),
        hold="5m",
        severity="page",
        summary="Prometheus reaches no process of Andén: the platform is away, or nobody can see it",
        description="No target of a job anden… answered for five minutes. Until one does, no other alert can fire.",
        page="station",
    ),
    Alert(
        "ScrapeFailing",
        compose("{} == 0", series(UP, OURS)),
        hold="10m",
        severity="ticket",
        summary="{{ $labels.instance }} of {{ $labels.job }} does not answer Prometheus",
        description="The target was not scraped for ten minutes. What only this target tells is not known meanwhile.",
        page="station",
    ),
    Alert(
        "VolumeFilling",
        compose("{} < 0.3 and {}", _left(), _full_within(96)),
        hold="1h",
        severity="ticket",
        summary="The volume {{ $labels.persistentvolumeclaim }} will be full within four days",
        description="Free now: {{ $value | humanizePercentage }} of {{ $labels.namespace }}/"
        "{{ $labels.persistentvolumeclaim }}, and falling.",
        page="database",
    ),
    Alert(
        "VolumeFull",
        compose("{} < 0.05 or ({} < 0.15 and {})", _left(), _left(), _full_within(6)),
        hold="5m",
        severity="page",
        summary="The volume {{ $labels.persistentvolumeclaim }} is nearly full: what writes there will stop",
        description="Free now: {{ $value | humanizePercentage }} of {{ $labels.namespace }}/"
        "{{ $labels.persistentvolumeclaim }}.",
        page="database",
    ),
    # For a station whose blackbox_exporter is a job of this name. On AWS, ACM counts the days itself, and an alarm of
    # CloudWatch rings instead: terraform/aws/alarms.tf.
    Alert(
        "CertificateAging",
        days_left(level(CERTIFICATE_UNTIL, OURS, by=("instance",), aggregate="min"), 21),
        hold="1h",
        severity="ticket",
        summary="The certificate of {{ $labels.instance }} ends within three weeks: its renewal does not work",
        description="It ends in {{ $value | humanizeDuration }}; renewal should have happened at thirty days.",
        page="station",
    ),
    Alert(
        "CertificateEnding",
        days_left(level(CERTIFICATE_UNTIL, OURS, by=("instance",), aggregate="min"), 3),
        hold="5m",
        severity="page",
        summary="The certificate of {{ $labels.instance }} ends within three days: then every client is refused",
        description="It ends in {{ $value | humanizeDuration }}.",
        page="station",
    ),
    Alert(
        "ProbeSilent",
        stale(PROBED, 600),
        hold="5m",
        severity="ticket",
        summary="The probe does not run: nobody looks at the station from the outside",
        description="No round of the probe ended for ten minutes. While that lasts, its objective says nothing.",
        page="station",
    ),
)
