"""What an alert is made of, and what its names lead to."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from apps.telemetry.metric import Metric
from apps.telemetry.promql import PromqlQuery

Severity = Literal["page", "ticket"]
"""A page wakes somebody, now; a ticket waits for the morning."""
SEVERITIES: Final[tuple[Severity, ...]] = ("page", "ticket")

GRAFANA: Final = "{{ $externalLabels.grafana }}"
"""Where Grafana answers: an external label of Prometheus, because the rules are the same files in every cluster."""
RUNBOOKS: Final = "{{ $externalLabels.runbooks }}"
"""Where docs/runbooks/ can be read: an external label, too."""

_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule. `hold` is how long it must be true ("5m"; "0s" is at once).

    `summary` is what a person reads at 3 am; `description` has the value. `page` is the dashboard that shows it,
    without its prefix; `link_labels` are the labels that go there as variables.
    """

    name: str
    expr: PromqlQuery
    for_: str
    severity: Severity
    summary: str
    description: str
    dashboard: str
    link_labels: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def runbook(self) -> str:
        """The name of its runbook's file, without .md."""
        return runbook_name(self.name)


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A series that a rule makes of a query; the labels are added to it."""

    metric: Metric
    expr: PromqlQuery
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated together, in this order, every `interval`."""

    name: str
    interval: str
    rules: tuple[Alert | RecordingRule, ...]


def runbook_name(alert: str) -> str:
    """IngestLagGrowing is ingest-lag-growing."""
    return _WORD.sub("-", alert).lower()


def dashboard_path(page: str, link_labels: tuple[str, ...]) -> str:
    """Where the dashboard stands below Grafana's address, with the alert's labels as its variables."""
    variables = "&".join(f"var-{label}={{{{ $labels.{label} }}}}" for label in link_labels)
    return f"/d/anden-{page}" + (f"?{variables}" if variables else "")
