"""Alerts on monitoring itself: failing rules and notifications, Grafana sync and drift, CloudWatch's budget."""

from typing import Final

from apps.cloudwatch.metrics import (
    CLOUDWATCH_BUDGET,
    CLOUDWATCH_CALLS,
    CLOUDWATCH_COLLECTED,
    CLOUDWATCH_SPENT,
    CLOUDWATCH_STOPPED,
)
from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.conditions import DAY_S, stale_if_present
from apps.monitoring.metrics import DRIFTED, LAST_SYNC
from apps.monitoring.third_party_metrics import NOTIFICATIONS_FAILED, RULES_FAILED
from apps.telemetry.promql import LabelMatcher, compose, increase, level, series

_CALLED: Final = LabelMatcher("outcome", "ok")
_FAILED: Final = LabelMatcher("outcome", "ok", "!=")

_ANDEN_RULES: Final = LabelMatcher("rule_group", ".*;anden-.*", "=~")
"""Prometheus labels a group with its file and name."""

SELF_MONITORING_ALERTS: Final = (
    Alert(
        "RuleEvaluationsFailing",
        compose("{} > 0", increase(RULES_FAILED, _ANDEN_RULES, by=("rule_group",), window="10m")),
        for_="5m",
        severity="ticket",
        summary="Rules of {{ $labels.rule_group }} fail to evaluate; their alerts cannot fire",
        description="Failed evaluations within ten minutes: {{ $value | humanize }}.",
        dashboard="self",
    ),
    Alert(
        "NotificationsFailing",
        compose("{} > 0", increase(NOTIFICATIONS_FAILED, by=("integration",), window="15m")),
        for_="5m",
        severity="ticket",
        summary="Alertmanager cannot deliver notifications through {{ $labels.integration }}",
        description="Failed notifications within 15 minutes: {{ $value | humanize }}.",
        dashboard="self",
    ),
    Alert(
        "GrafanaDriftDetected",
        compose("{} == 1", level(DRIFTED, by=("uid",))),
        for_="15m",
        severity="ticket",
        summary="{{ $labels.uid }} was edited by hand in Grafana; the next sync reverts the edit",
        description="Grafana's copy differs from what the code renders.",
        dashboard="self",
    ),
    Alert(
        "GrafanaSyncStale",
        stale_if_present(LAST_SYNC, 7 * DAY_S),
        for_="1h",
        severity="ticket",
        summary="Dashboards and rules have not been synced to Grafana for a week, or never",
        description="Grafana may show outdated dashboards and evaluate outdated rules.",
        dashboard="self",
    ),
    Alert(
        "CloudWatchBudgetLow",
        compose("{} / {} > 0.8", level(CLOUDWATCH_SPENT), level(CLOUDWATCH_BUDGET)),
        for_="15m",
        severity="ticket",
        summary="80 % of this month's CloudWatch budget is spent",
        description="Spent: {{ $value | humanizePercentage }}. At 100 % collection stops until next month.",
        dashboard="aws",
    ),
    Alert(
        "CloudWatchCollectionFailing",
        compose(
            "time() - max(max_over_time({}[1d])) > 7200 or ({} > 0 unless {} > 0)",
            # A day back: a dead collector's gauge is gone. Where no collector ever ran, nothing fires.
            series(CLOUDWATCH_COLLECTED),
            increase(CLOUDWATCH_CALLS, _FAILED, window="30m"),
            increase(CLOUDWATCH_CALLS, _CALLED, window="30m"),
        ),
        for_="15m",
        severity="ticket",
        summary="CloudWatch collection fails: the state of AWS resources is unknown",
        description="No cycle has succeeded for two hours, or every call of the last half hour failed.",
        dashboard="aws",
    ),
    Alert(
        "CloudWatchBudgetExhausted",
        compose("{} == 1", level(CLOUDWATCH_STOPPED)),
        for_="5m",
        severity="ticket",
        summary="This month's CloudWatch budget is spent: collection has stopped",
        description="Panels of AWS resources get no new data until next month or a higher budget.",
        dashboard="aws",
    ),
)
