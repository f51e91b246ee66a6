"""Who hears of an alert, and which alert silences which: tables for Alertmanager."""

from dataclasses import dataclass, field
from typing import Final

from apps.monitoring.alerts.burn import WINDOW_PAIRS

SECRETS: Final = "/etc/alertmanager/secrets"
"""Where the receivers' secrets are mounted, one file each: none stands in the configuration."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where messages go: `config` in Alertmanager's words, its secret by the name of a file below SECRETS."""

    name: str
    kind: str = ""
    config: dict[str, object] = field(default_factory=dict)


# A group of alerts has a summary in common only where they are one, or of one objective.
TITLE: Final = (
    "{{ if .CommonAnnotations.summary }}{{ .CommonAnnotations.summary }}"
    "{{ else }}{{ .CommonLabels.alertname }}: {{ len .Alerts }} at once, the first: "
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
"""Days, in UTC, on which what muted_on_weekends is not sent: what still fires on Monday is sent then."""
ROUTES: Final = (
    Route("null", ('severity=~"info|none"',), "24h"),
    Route("page", ('severity=~"page|critical"',), "4h"),
    Route("ticket", ('severity=~"ticket|warning"',), "24h", muted_on_weekends=True),
)
"""Andén's severities first, the words of the rules that come with kube-prometheus-stack beside them."""
DEFAULT: Final = "ticket"
"""For what has no severity that we know: said in the morning, never lost."""
GROUPED_BY: Final = ("alertname", "slo", "dataset")
"""One message for fifty outliers, but one for each objective and dataset."""


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert that matches `source` fires, those that match `target`, equal in these labels, are silent."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    equal: tuple[str, ...] = ()


_TOLD_TWICE: Final = (
    ("beat", "BeatHeartbeatMissing"),
    ("probe", "ProbeStale"),
    ("fleet", "FleetEvaluationStale"),
    ("cloudwatch", "CloudWatchCollectionFailing"),
)
"""A process that is gone, and the alert on what it leaves undone."""
_ABSENT: Final = "ProbeStale|BeatHeartbeatMissing|SloDataMissing|IngestLagMissing|FleetEvaluationStale"


def _named(names: str) -> tuple[str, ...]:
    return (f'alertname=~"{names}"',) if "|" in names else (f'alertname="{names}"',)


_STRONGER: Final = (
    Inhibition(_named("FleetWideShift"), _named("FleetServiceOutlier")),
    # Without any target everything is absent: one message is enough.
    Inhibition(_named("AllTargetsDown"), _named(_ABSENT)),
    Inhibition(_named("AllTargetsDown"), _named("WebDown|ProcessDown|ScrapeTargetDown")),
    Inhibition(_named("WebDown"), (*_named("ScrapeTargetDown"), 'job=~"anden|anden-web"')),
    Inhibition(_named("WebDown"), (*_named("SloDataMissing"), 'slo=~"api-availability|api-latency"')),
    Inhibition(_named("IngestLagMissing"), (*_named("ProcessDown"), 'role="lag"')),
    *(Inhibition((*_named("ProcessDown"), f'role="{role}"'), _named(told)) for role, told in _TOLD_TWICE),
    Inhibition(_named("VolumeAlmostFull"), _named("VolumeFillingUp"), ("namespace", "persistentvolumeclaim")),
    Inhibition(_named("CertificateExpiringSoon"), _named("CertificateRenewalOverdue"), ("instance",)),
    Inhibition(_named("IngestSourceStopped"), _named("IngestLagGrowing"), ("dataset",)),
    Inhibition(_named("CloudWatchBudgetExhausted"), _named("CloudWatchBudgetLow|CloudWatchCollectionFailing")),
)
_FASTER: Final = tuple(
    Inhibition(
        (f'window="{pair.label}"',),
        (f'window=~"{"|".join(one.label for one in WINDOW_PAIRS[at + 1 :])}"',),
        ("slo", "dataset"),
    )
    for at, pair in enumerate(WINDOW_PAIRS[:-1])
)
"""The pair that burns fastest speaks for the slower ones of its objective."""

INHIBITIONS: Final = (*_STRONGER, *_FASTER)
