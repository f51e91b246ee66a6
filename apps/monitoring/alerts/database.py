"""Alerts on what PostgreSQL needs ahead of time, on beat, which sees to it, and on jobs."""

from typing import Final

from apps.datasets.metrics import BEAT, CONTRACT_END, LEDGER_PARTITIONS_END
from apps.jobs.metrics import JOBS_WAITING
from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.conditions import days_left, stale
from apps.telemetry.metrics import DATABASE_ERRORS, OUT_OF_RESOURCES
from apps.telemetry.promql import LabelMatcher, compose, increase, level

DATABASE_ALERTS: Final = (
    Alert(
        "LedgerPartitionsRunningOut",
        days_left(level(LEDGER_PARTITIONS_END), 2),
        for_="10m",
        severity="page",
        summary="The ledger has fewer than two days ahead: without a day for its entry no batch can commit",
        description="Its last day ends in {{ $value | humanizeDuration }}; the hourly task makes seven ahead.",
        dashboard="database",
    ),
    Alert(
        "ContractMonthsRunningOut",
        compose(
            "{} and {} > time()",
            days_left(level(CONTRACT_END, by=("dataset",)), 45),
            level(CONTRACT_END, by=("dataset",)),
        ),
        for_="1h",
        severity="ticket",
        summary="The contract of {{ $labels.dataset }} takes no month beyond the next: later rows would be refused",
        description="The last month that it allows ends in {{ $value | humanizeDuration }}.",
        dashboard="ingest",
        link_labels=("dataset",),
    ),
    Alert(
        "BeatHeartbeatMissing",
        stale(BEAT, 600),
        for_="5m",
        severity="ticket",
        summary="Scheduled work does not run: no heartbeat of beat reaches a worker",
        description="Days ahead are not made, old ones not dropped, hand edits in Grafana not looked for.",
        dashboard="self",
    ),
    Alert(
        "JobQueueStalled",
        compose("time() - {} > 1800", level(JOBS_WAITING, by=("kind",))),
        for_="5m",
        severity="ticket",
        summary="A job of the kind {{ $labels.kind }} waits for half an hour: no worker takes it",
        description="It could run {{ $value | humanizeDuration }} ago. Nothing is lost: its row waits.",
        dashboard="self",
    ),
    Alert(
        "DatabaseOutOfResources",
        compose(
            "{} > 5",
            increase(DATABASE_ERRORS, LabelMatcher("sqlstate_class", OUT_OF_RESOURCES), by=("alias",), window="10m"),
        ),
        for_="2m",
        severity="page",
        summary="PostgreSQL refuses {{ $labels.alias }} for want of room: disk, memory or connections",
        description="Refusals of SQLSTATE class 53 within ten minutes: {{ $value | humanize }}.",
        dashboard="database",
    ),
)
