"""Routes, receivers and inhibitions: tables for Alertmanager."""

from dataclasses import dataclass, field
from typing import Final

from apps.monitoring.alerts.burn import WINDOW_PAIRS

SECRETS: Final = "/etc/alertmanager/secrets"
"""Where the receivers' secrets are mounted, one file each; the configuration contains none."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver: `kind` and `config` as in Alertmanager's configuration; secrets are files in SECRETS."""

    name: str
    kind: str = ""
    config: dict[str, object] = field(default_factory=dict)


# Alerts of a group share a summary only if there is one alert, or all belong to one objective.
TITLE: Final = (
    "{{ if .CommonAnnotations.summary }}{{ .CommonAnnotations.summary }}"
    "{{ else }}{{ .CommonLabels.alertname }}: {{ len .Alerts }} alerts, the first: "
    "{{ (index .Alerts 0).Annotations.summary }}{{ end }}"
)
DETAILS: Final = "{{ range .Alerts }}{{ .Annotations.description }} {{ .Annotations.dashboard_url }}\n{{ end }}"
RUNBOOK: Final = "{{ (index .Alerts 0).Annotations.runbook_url }}"

RECEIVERS: Final = (
    Receiver(
        "page",
        "pagerduty_configs",
        {
            "routing_key_file": f"{SECRETS}/pagerduty-routing-key",
            "description": TITLE,
            "details": {
                "description": DETAILS,
                "runbook": RUNBOOK,
            },
        },
    ),
    Receiver(
        "ticket",
        "slack_configs",
        {
            "api_url_file": f"{SECRETS}/slack-url",
            "send_resolved": True,
            "title": TITLE,
            "title_link": RUNBOOK,
            "text": DETAILS,
        },
    ),
    Receiver("null"),
)


@dataclass(frozen=True, slots=True)
class Route:
    """The first route whose matchers all hold takes the alert; tickets wait until Monday."""

    receiver: str
    matchers: tuple[str, ...]
    repeat: str
    muted_on_weekends: bool = False


WEEKENDS: Final = ("saturday", "sunday")
"""Days (UTC) on which muted routes do not send; alerts that still fire on Monday are sent then."""
ROUTES: Final = (
    Route("null", ('severity=~"info|none"',), "24h"),
    Route("page", ('severity=~"page|critical"',), "4h"),
    Route("ticket", ('severity=~"ticket|warning"',), "24h", muted_on_weekends=True),
)
"""Each matches Andén's severity and the equivalent of kube-prometheus-stack's rules."""
DEFAULT: Final = "ticket"
"""For alerts with an unknown severity: sent in the morning, never dropped."""
GROUPED_BY: Final = ("alertname", "slo", "dataset")
"""One notification for fifty outliers, but one per objective and dataset."""


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert matches `source`, those that match `target` with the same `equal` labels are inhibited."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    equal: tuple[str, ...] = ()


_CONSEQUENCES: Final = (
    ("beat", "BeatHeartbeatMissing"),
    ("probe", "ProbeStale"),
    ("fleet", "FleetEvaluationStale"),
    ("cloudwatch", "CloudWatchCollectionFailing"),
)
"""A process, and the alert that follows when it is down."""
_ABSENT: Final = "ProbeStale|BeatHeartbeatMissing|SloDataMissing|IngestLagMissing|FleetEvaluationStale"


def _named(names: str) -> tuple[str, ...]:
    return (f'alertname=~"{names}"',) if "|" in names else (f'alertname="{names}"',)


_CAUSES: Final = (
    Inhibition(_named("FleetWideShift"), _named("FleetServiceOutlier")),
    # Without targets every metric is absent: one notification is enough.
    Inhibition(_named("AllTargetsDown"), _named(_ABSENT)),
    Inhibition(_named("AllTargetsDown"), _named("WebDown|ProcessDown|ScrapeTargetDown")),
    Inhibition(_named("WebDown"), (*_named("ScrapeTargetDown"), 'job=~"anden|anden-web"')),
    Inhibition(_named("WebDown"), (*_named("SloDataMissing"), 'slo=~"api-availability|api-latency"')),
    Inhibition(_named("IngestLagMissing"), (*_named("ProcessDown"), 'role="lag"')),
    *(Inhibition((*_named("ProcessDown"), f'role="{role}"'), _named(alert)) for role, alert in _CONSEQUENCES),
    Inhibition(_named("VolumeAlmostFull"), _named("VolumeFillingUp"), ("namespace", "persistentvolumeclaim")),
    Inhibition(_named("CertificateExpiringSoon"), _named("CertificateRenewalOverdue"), ("instance",)),
    Inhibition(_named("IngestSourceStopped"), _named("IngestLagGrowing"), ("dataset",)),
    Inhibition(_named("CloudWatchBudgetExhausted"), _named("CloudWatchBudgetLow|CloudWatchCollectionFailing")),
)
_FASTER_BURNS: Final = tuple(
    Inhibition(
        (f'window="{pair.label}"',),
        (f'window=~"{"|".join(one.label for one in WINDOW_PAIRS[at + 1 :])}"',),
        ("slo", "dataset"),
    )
    for at, pair in enumerate(WINDOW_PAIRS[:-1])
)
"""The fastest-burning pair inhibits the slower pairs of its objective."""

INHIBITIONS: Final = (*_CAUSES, *_FASTER_BURNS)
