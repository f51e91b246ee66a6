"""Alerts, recording rules and rule groups, and the runbook and dashboard an alert links to."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from apps.telemetry.metric import Metric
from apps.telemetry.promql import PromqlQuery

Severity = Literal["page", "ticket"]
"""A page wakes someone up; a ticket waits until morning."""
SEVERITIES: Final[tuple[Severity, ...]] = ("page", "ticket")

GRAFANA: Final = "{{ $externalLabels.grafana }}"
"""Grafana's URL: an external label of Prometheus, because every cluster loads the same rule files."""
RUNBOOKS: Final = "{{ $externalLabels.runbooks }}"
"""The URL of docs/runbooks/: an external label, too."""

_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule.

    `for_` is how long the expression must hold ("5m"; "0s" fires immediately). `summary` is for a reader at 3 am,
    `description` has the value. `dashboard` is a uid without prefix; `link_labels` become variables of the link to it.
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
        """The file name of its runbook, without .md."""
        return runbook_name(self.name)


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A rule that records a query as a series, with these labels added."""

    metric: Metric
    expr: PromqlQuery
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that Prometheus evaluates in this order, every `interval`."""

    name: str
    interval: str
    rules: tuple[Alert | RecordingRule, ...]


def runbook_name(alert: str) -> str:
    """The alert's name in kebab case: IngestLagGrowing becomes ingest-lag-growing."""
    return _WORD.sub("-", alert).lower()


def dashboard_path(dashboard: str, link_labels: tuple[str, ...]) -> str:
    """The dashboard's path below Grafana's URL, with the alert's labels as variables."""
    variables = "&".join(f"var-{label}={{{{ $labels.{label} }}}}" for label in link_labels)
    return f"/d/anden-{dashboard}" + (f"?{variables}" if variables else "")
