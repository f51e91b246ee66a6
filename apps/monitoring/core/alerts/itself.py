"""Alerts on monitoring itself: pages that nobody synchronises, hand edits, CloudWatch's budget."""

from typing import Final

from apps.monitoring.core.alerts.alert import Alert
from apps.monitoring.core.alerts.conditions import DAY_S, stale
from apps.monitoring.core.promql import Match, compose, increase, level
from apps.monitoring.metrics import CLOUDWATCH_BUDGET, CLOUDWATCH_CALLS, CLOUDWATCH_SPENT, DRIFTED, SYNCED

_CALLED: Final = Match("outcome", "ok")
_FAILED: Final = Match("outcome", "ok", "!=")

ITSELF_ALERTS: Final = (
    Alert(
        "GrafanaDrifted",
        compose("{} == 1", level(DRIFTED, by=("uid",))),
        hold="15m",
        severity="ticket",
        summary="{{ $labels.uid }} was edited by hand in Grafana: the next synchronisation undoes that",
        description="What Grafana has is not what the code renders.",
        page="self",
    ),
    Alert(
        "DashboardsUnsynchronised",
        stale(SYNCED, 7 * DAY_S),
        hold="1h",
        severity="ticket",
        summary="Dashboards and rules were not synchronised with Grafana for a week, or never",
        description="Grafana may show what the code no longer says, and its own rules may be old.",
        page="self",
    ),
    Alert(
        "CloudWatchBudgetLow",
        compose("{} / {} > 0.8", level(CLOUDWATCH_SPENT), level(CLOUDWATCH_BUDGET)),
        hold="15m",
        severity="ticket",
        summary="Four fifths of the month's budget for CloudWatch are spent",
        description="Spent: {{ $value | humanizePercentage }}. At all of it collection stops until the next month.",
        page="aws",
    ),
    Alert(
        "CloudWatchBlind",
        compose(
            "{} > 0 unless {} > 0",
            increase(CLOUDWATCH_CALLS, _FAILED, window="30m"),
            increase(CLOUDWATCH_CALLS, _CALLED, window="30m"),
        ),
        hold="15m",
        severity="ticket",
        summary="CloudWatch gives nothing: the shared resources are not seen",
        description="Calls that failed within half an hour: {{ $value | humanize }}, and none succeeded.",
        page="aws",
    ),
    Alert(
        "CloudWatchBudgetSpent",
        compose("{} >= {} and {} > 0", level(CLOUDWATCH_SPENT), level(CLOUDWATCH_BUDGET), level(CLOUDWATCH_BUDGET)),
        hold="5m",
        severity="ticket",
        summary="The month's budget for CloudWatch is spent: collection stands still",
        description="Spent: {{ $value | humanize }} US dollars. Panels of shared resources show no new points.",
        page="aws",
    ),
)
