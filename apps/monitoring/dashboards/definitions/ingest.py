"""Ingest: throughput from Kafka to PostgreSQL, lag, and what slows it down."""

from typing import Final

from apps.datasets.metrics import BEAT, CONTRACT_END, LEDGER_PARTITIONS_END
from apps.ingest.metrics import (
    BATCHES,
    BYTES,
    FAILURES,
    FRESHNESS,
    HELD_BACK_RECORDS,
    HELD_BACK_SECONDS,
    LAG_RECORDS,
    LAG_SECONDS,
    PHASE_SECONDS,
    RECORDS,
    REJECTS,
    STOPPED,
)
from apps.monitoring.alerts.slos import HELD_BACK_TOO_LONG_S, INGEST_WITHIN_S, lag_measured
from apps.monitoring.dashboards.model import (
    Dashboard,
    DashboardLink,
    PanelQuery,
    PanelRow,
    Unit,
    Variable,
    falling,
    rising,
    zero_expected,
)
from apps.monitoring.dashboards.panels import (
    NOW,
    SHORT,
    TALL,
    YES_NO,
    nonzero_rate,
    ratio,
    seconds_since,
    seconds_until,
    stat,
    timeseries,
)
from apps.telemetry.promql import LabelMatcher, compose, increase, level, quantile, rate, series, sum_rate

DAY_S: Final = 86_400
CHOSEN: Final = LabelMatcher("dataset", "$dataset", "=~")
BY_DATASET: Final = ("dataset",)
LAG_SCALE: Final = rising(INGEST_WITHIN_S / 2, INGEST_WITHIN_S)
DATABASE: Final = DashboardLink("Database", "database")
SLO: Final = DashboardLink("SLO", "slo")

_STATES: Final = PanelRow(
    "Does ingest keep up?",
    (
        stat(
            "Worst lag",
            "How long ago the current position of the slowest selected dataset was the end of its topic.",
            level(LAG_SECONDS, CHOSEN),
            Unit.SECONDS,
            LAG_SCALE,
            links=(SLO,),
        ),
        stat(
            "Lag in records, total",
            "Records between the committed offsets and the ends of the topics, over the selected datasets.",
            level(LAG_RECORDS, CHOSEN, aggregate="sum"),
            Unit.COUNT,
            links=(SLO,),
        ),
        stat(
            "Stopped sources",
            "Partitions whose pipeline stopped on inconsistent state. Records are lost if the topic's retention "
            "ends before someone decides.",
            level(STOPPED, CHOSEN, aggregate="sum"),
            Unit.COUNT,
            zero_expected(),
            links=(SLO,),
        ),
        stat(
            "Reject ratio",
            "The share of records over the last five minutes that did not become rows.",
            ratio(rate(REJECTS, CHOSEN, window=NOW), rate(RECORDS, CHOSEN, window=NOW)),
            Unit.RATIO,
            rising(0.001, 0.005),
            links=(SLO,),
        ),
        stat(
            "Lag measured",
            "Whether the last measurement reached Kafka and PostgreSQL. If not, every lag here is stale.",
            lag_measured(),
            Unit.STATE,
            falling(1, 1),
            value_mappings=YES_NO,
            links=(DashboardLink("Self-monitoring", "self"),),
        ),
        stat(
            "Beat heartbeat",
            "Seconds since a worker last received the heartbeat that beat sends every minute. Without beat no "
            "partitions are created or dropped.",
            seconds_since(BEAT),
            Unit.SECONDS,
            rising(180, 600),
            links=(DashboardLink("Self-monitoring", "self"),),
        ),
        stat(
            "Ledger partitions ahead",
            "Time until the last ledger partition ends. At zero ingest stops.",
            seconds_until(LEDGER_PARTITIONS_END),
            Unit.SECONDS,
            falling(5 * DAY_S, 3 * DAY_S),
            links=(DATABASE,),
        ),
        stat(
            "Contract months ahead",
            "Time until the first of the selected contracts runs out of months and rejects later rows. "
            "No data: no contract has an end.",
            seconds_until(CONTRACT_END, CHOSEN),
            Unit.SECONDS,
            falling(90 * DAY_S, 45 * DAY_S),
            links=(DATABASE,),
        ),
    ),
    height=SHORT,
)

_MOVES: Final = PanelRow(
    "Throughput",
    (
        timeseries(
            "Records in",
            "Records committed per second, rows and rejects.",
            Unit.RECORDS_PER_SECOND,
            PanelQuery(rate(RECORDS, CHOSEN, by=BY_DATASET), "{{dataset}}"),
            width=8,
        ),
        timeseries(
            "Bytes in",
            "Bytes per second of the values of committed records.",
            Unit.BYTES_PER_SECOND,
            PanelQuery(rate(BYTES, CHOSEN, by=BY_DATASET), "{{dataset}}"),
            width=8,
        ),
        timeseries(
            "Records per batch",
            "Records per transaction. Falls with low traffic, and when batches end early.",
            Unit.COUNT,
            PanelQuery(
                compose(
                    "{} / ({} > 0)",
                    rate(RECORDS, CHOSEN, by=BY_DATASET),
                    rate(BATCHES, CHOSEN, by=BY_DATASET),
                ),
                "{{dataset}}",
            ),
            width=8,
        ),
    ),
    height=TALL,
)

_BEHIND: Final = PanelRow(
    "Lag",
    (
        timeseries(
            "Lag",
            "How long ago the current position of the slowest partition was the end of the topic; 0 when caught up.",
            Unit.SECONDS,
            PanelQuery(level(LAG_SECONDS, CHOSEN, by=BY_DATASET), "{{dataset}}"),
            width=8,
            thresholds=LAG_SCALE,
        ),
        timeseries(
            "Lag in records",
            "Records between the committed offsets and the ends of the topic's partitions.",
            Unit.COUNT,
            PanelQuery(level(LAG_RECORDS, CHOSEN, by=BY_DATASET), "{{dataset}}"),
            width=8,
        ),
        timeseries(
            "Freshness",
            "Seconds since the last batch was committed. It also rises when the topic is quiet: compare it with lag.",
            Unit.SECONDS,
            PanelQuery(level(FRESHNESS, CHOSEN, by=BY_DATASET), "{{dataset}}"),
            width=8,
        ),
    ),
    height=TALL,
)

_HELD_BACK: Final = PanelRow(
    "Held back by open transactions",
    (
        timeseries(
            "Held back",
            "How long the oldest open transaction has held records back. Seconds are normal: producers that write "
            "exactly once keep one open from commit to commit. Minutes are a producer that died.",
            Unit.SECONDS,
            PanelQuery(level(HELD_BACK_SECONDS, CHOSEN, by=BY_DATASET), "{{dataset}}"),
            width=12,
            thresholds=rising(HELD_BACK_TOO_LONG_S / 3, HELD_BACK_TOO_LONG_S),
        ),
        timeseries(
            "Records held back",
            "Records from the oldest open transaction to the end of each partition. No one can read them yet, so they "
            "are not part of the lag.",
            Unit.COUNT,
            PanelQuery(level(HELD_BACK_RECORDS, CHOSEN, by=BY_DATASET), "{{dataset}}"),
            width=12,
        ),
    ),
    height=TALL,
)

_ERRORS: Final = PanelRow(
    "Errors",
    (
        timeseries(
            "Rejects by reason",
            "Records per second that did not become rows, by reason. Contracts drop late_dropped on purpose.",
            Unit.RECORDS_PER_SECOND,
            PanelQuery(nonzero_rate(REJECTS, CHOSEN, by=("dataset", "reason")), "{{dataset}}: {{reason}}"),
            width=8,
        ),
        timeseries(
            "Batches abandoned",
            "Batches abandoned and read again, by error. Costs time, loses nothing.",
            Unit.COUNT,
            PanelQuery(increase(FAILURES, by=("error",)), "{{error}}"),
            width=8,
            thresholds=rising(1, 10),
        ),
        timeseries(
            "Stopped sources by dataset",
            "Sources whose pipeline stopped on inconsistent state.",
            Unit.COUNT,
            PanelQuery(level(STOPPED, CHOSEN, by=BY_DATASET, aggregate="sum"), "{{dataset}}"),
            width=8,
            thresholds=zero_expected(),
        ),
    ),
    height=TALL,
)

_TIME: Final = PanelRow(
    "Time spent",
    (
        timeseries(
            "Time per phase",
            "Seconds per second that all workers spend in each phase. Mostly poll: idle. Mostly copy or commit: "
            "PostgreSQL is the bottleneck.",
            Unit.SECONDS,
            PanelQuery(sum_rate(PHASE_SECONDS, by=("phase",)), "{{phase}}"),
            width=12,
            links=(DATABASE,),
        ),
        timeseries(
            "Phase duration p95",
            "The 95th percentile of the seconds that a chunk or batch spends in each phase.",
            Unit.SECONDS,
            PanelQuery(quantile(0.95, PHASE_SECONDS, by=("phase",)), "p95 {{phase}}"),
            width=12,
            links=(DATABASE,),
        ),
    ),
    height=TALL,
)

INGEST: Final = Dashboard(
    "ingest",
    "Andén · Ingest",
    "Does ingest keep up with its topics, and what slows it down?",
    (_STATES, _MOVES, _BEHIND, _HELD_BACK, _ERRORS, _TIME),
    variables=(Variable("dataset", "Dataset", series(FRESHNESS), "dataset", many=True),),
    links=(DashboardLink("Overview", "overview"), DATABASE, SLO),
)
