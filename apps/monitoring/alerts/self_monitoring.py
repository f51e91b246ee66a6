"""Alerts on monitoring itself: pages that nobody synchronises, hand edits, CloudWatch's budget."""

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

_OUR_RULES: Final = LabelMatcher("rule_group", ".*;anden-.*", "=~")
"""Prometheus names a group by its file and name."""

SELF_MONITORING_ALERTS: Final = (
    Alert(
        "RuleEvaluationsFailing",
        compose("{} > 0", increase(RULES_FAILED, _OUR_RULES, by=("rule_group",), window="10m")),
        for_="5m",
        severity="ticket",
        summary="Rules of {{ $labels.rule_group }} cannot be evaluated: their alerts are silent",
        description="Evaluations that failed within ten minutes: {{ $value | humanize }}.",
        dashboard="self",
    ),
    Alert(
        "NotificationsFailing",
        compose("{} > 0", increase(NOTIFICATIONS_FAILED, by=("integration",), window="15m")),
        for_="5m",
        severity="ticket",
        summary="Alertmanager cannot deliver by {{ $labels.integration }}: whoever is to be told is not",
        description="Messages that failed within a quarter of an hour: {{ $value | humanize }}.",
        dashboard="self",
    ),
    Alert(
        "GrafanaDriftDetected",
        compose("{} == 1", level(DRIFTED, by=("uid",))),
        for_="15m",
        severity="ticket",
        summary="{{ $labels.uid }} was edited by hand in Grafana: the next synchronisation undoes that",
        description="What Grafana has is not what the code renders.",
        dashboard="self",
    ),
    Alert(
        "GrafanaSyncStale",
        stale_if_present(LAST_SYNC, 7 * DAY_S),
        for_="1h",
        severity="ticket",
        summary="Dashboards and rules were not synchronised with Grafana for a week, or never",
        description="Grafana may show what the code no longer says, and its own rules may be old.",
        dashboard="self",
    ),
    Alert(
        "CloudWatchBudgetLow",
        compose("{} / {} > 0.8", level(CLOUDWATCH_SPENT), level(CLOUDWATCH_BUDGET)),
        for_="15m",
        severity="ticket",
        summary="Four fifths of the month's budget for CloudWatch are spent",
        description="Spent: {{ $value | humanizePercentage }}. At all of it collection stops until the next month.",
        dashboard="aws",
    ),
    Alert(
        "CloudWatchCollectionFailing",
        compose(
            "time() - max(max_over_time({}[1d])) > 7200 or ({} > 0 unless {} > 0)",
            # A day back: the gauge of a collector that died is gone, and where nobody ever collected there is none.
            series(CLOUDWATCH_COLLECTED),
            increase(CLOUDWATCH_CALLS, _FAILED, window="30m"),
            increase(CLOUDWATCH_CALLS, _CALLED, window="30m"),
        ),
        for_="15m",
        severity="ticket",
        summary="CloudWatch gives nothing: the shared resources are not seen",
        description="No cycle ended well for two hours, or every call of half an hour failed.",
        dashboard="aws",
    ),
    Alert(
        "CloudWatchBudgetExhausted",
        compose("{} == 1", level(CLOUDWATCH_STOPPED)),
        for_="5m",
        severity="ticket",
        summary="The month's budget for CloudWatch is spent: collection stands still",
        description="Panels of shared resources get no new points until the next month or a higher budget.",
        dashboard="aws",
    ),
)
