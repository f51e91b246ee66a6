"""Alerts on partitions created ahead of time, on beat, on the job queue, and on PostgreSQL's resources."""

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
        summary="The ledger has partitions for less than two days; without one for its day, no batch can commit",
        description="The last partition ends in {{ $value | humanizeDuration }}. An hourly task normally keeps seven "
        "days ahead.",
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
        summary="The contract of {{ $labels.dataset }} soon runs out of months; later rows will be rejected",
        description="The last allowed month ends in {{ $value | humanizeDuration }}.",
        dashboard="ingest",
        link_labels=("dataset",),
    ),
    Alert(
        "BeatHeartbeatMissing",
        stale(BEAT, 600),
        for_="5m",
        severity="ticket",
        summary="Scheduled tasks do not run: no worker receives the heartbeat of beat",
        description="No partitions are created or dropped, and manual edits in Grafana go undetected.",
        dashboard="self",
    ),
    Alert(
        "JobQueueStalled",
        compose("time() - {} > 1800", level(JOBS_WAITING, by=("kind",))),
        for_="5m",
        severity="ticket",
        summary="A {{ $labels.kind }} job has been queued for half an hour: no worker takes it",
        description="It has been due for {{ $value | humanizeDuration }}. Nothing is lost: its row stays queued.",
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
        summary="PostgreSQL rejects operations of {{ $labels.alias }}: out of disk, memory or connections",
        description="Errors of SQLSTATE class 53 within ten minutes: {{ $value | humanize }}.",
        dashboard="database",
    ),
)
