"""Ingest: what moves from Kafka into PostgreSQL, how far behind it is, and what holds it up."""

from typing import Final

from apps.datasets.metrics import BEAT, CONTRACT_END, LEDGER_PARTITIONS_END
from apps.ingest.metrics import (
    BATCHES,
    BYTES,
    FAILURES,
    FRESHNESS,
    LAG_RECORDS,
    LAG_SECONDS,
    PHASE_SECONDS,
    RECORDS,
    REJECTS,
    STOPPED,
)
from apps.monitoring.alerts.slos import INGEST_WITHIN_S, lag_measured
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
            "How long ago the topic ended where the most backward of the chosen datasets stands now.",
            level(LAG_SECONDS, CHOSEN),
            Unit.SECONDS,
            LAG_SCALE,
            links=(SLO,),
        ),
        stat(
            "Records waiting",
            "Records between the stored positions and the ends of the topics, over the chosen datasets.",
            level(LAG_RECORDS, CHOSEN, aggregate="sum"),
            Unit.COUNT,
            links=(SLO,),
        ),
        stat(
            "Stopped sources",
            "Partitions whose pipeline stopped because its state is wrong. Records are lost when the topic's "
            "retention ends before somebody has decided.",
            level(STOPPED, CHOSEN, aggregate="sum"),
            Unit.COUNT,
            zero_expected(),
            links=(SLO,),
        ),
        stat(
            "Refused share",
            "The share of records of the last five minutes that did not become rows.",
            ratio(rate(REJECTS, CHOSEN, window=NOW), rate(RECORDS, CHOSEN, window=NOW)),
            Unit.RATIO,
            rising(0.001, 0.005),
            links=(SLO,),
        ),
        stat(
            "Lag is measured",
            "Whether the last measurement reached Kafka and PostgreSQL. If not, every lag on this page is old.",
            lag_measured(),
            Unit.STATE,
            falling(1, 1),
            value_mappings=YES_NO,
            links=(DashboardLink("Andén watches itself", "self"),),
        ),
        stat(
            "Heartbeat of beat",
            "Seconds since a worker last got the heartbeat that beat sends every minute. Without beat no days are "
            "made ahead and none are dropped.",
            seconds_since(BEAT),
            Unit.SECONDS,
            rising(180, 600),
            links=(DashboardLink("Andén watches itself", "self"),),
        ),
        stat(
            "Ledger days ahead",
            "For how long the ledger has days that were made beforehand. At zero ingest stops.",
            seconds_until(LEDGER_PARTITIONS_END),
            Unit.SECONDS,
            falling(5 * DAY_S, 3 * DAY_S),
            links=(DATABASE,),
        ),
        stat(
            "Contract months ahead",
            "Until the first of the chosen contracts takes no later month; later rows would be refused then. "
            "No data: no contract names an end.",
            seconds_until(CONTRACT_END, CHOSEN),
            Unit.SECONDS,
            falling(90 * DAY_S, 45 * DAY_S),
            links=(DATABASE,),
        ),
    ),
    height=SHORT,
)

_MOVES: Final = PanelRow(
    "What moves",
    (
        timeseries(
            "Records in",
            "Records committed per second, rows and rejects alike.",
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
            "Records a batch",
            "How many records share one transaction. It falls when little arrives, and when batches are cut short.",
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
    "How far behind",
    (
        timeseries(
            "Lag",
            "How long ago the topic ended where the most backward position stands now; 0 at the end.",
            Unit.SECONDS,
            PanelQuery(level(LAG_SECONDS, CHOSEN, by=BY_DATASET), "{{dataset}}"),
            width=8,
            thresholds=LAG_SCALE,
        ),
        timeseries(
            "Lag in records",
            "Records between the stored positions and the ends of the topic's partitions.",
            Unit.COUNT,
            PanelQuery(level(LAG_RECORDS, CHOSEN, by=BY_DATASET), "{{dataset}}"),
            width=8,
        ),
        timeseries(
            "Freshness",
            "Seconds since the last batch was committed. It rises where the topic is quiet, too: read it beside lag.",
            Unit.SECONDS,
            PanelQuery(level(FRESHNESS, CHOSEN, by=BY_DATASET), "{{dataset}}"),
            width=8,
        ),
    ),
    height=TALL,
)

_TROUBLE: Final = PanelRow(
    "What goes wrong",
    (
        timeseries(
            "Refused by reason",
            "Records per second that did not become rows, by reason. late_dropped are those a contract lets go.",
            Unit.RECORDS_PER_SECOND,
            PanelQuery(nonzero_rate(REJECTS, CHOSEN, by=("dataset", "reason")), "{{dataset}}: {{reason}}"),
            width=8,
        ),
        timeseries(
            "Batches given up",
            "Batches that were given up and read again, by what was wrong. Nothing is lost; it costs time.",
            Unit.COUNT,
            PanelQuery(increase(FAILURES, by=("error",)), "{{error}}"),
            width=8,
            thresholds=rising(1, 10),
        ),
        timeseries(
            "Stopped sources by dataset",
            "Sources whose pipeline is stopped because of its state.",
            Unit.COUNT,
            PanelQuery(level(STOPPED, CHOSEN, by=BY_DATASET, aggregate="sum"), "{{dataset}}"),
            width=8,
            thresholds=zero_expected(),
        ),
    ),
    height=TALL,
)

_TIME: Final = PanelRow(
    "Where the time goes",
    (
        timeseries(
            "Seconds of work by phase",
            "Seconds per second that all workers together spent in each phase. Much poll is idleness, much copy or "
            "commit is PostgreSQL.",
            Unit.SECONDS,
            PanelQuery(sum_rate(PHASE_SECONDS, by=("phase",)), "{{phase}}"),
            width=12,
            links=(DATABASE,),
        ),
        timeseries(
            "A chunk's slowest, by phase",
            "The 95th percentile of a chunk's or batch's seconds in each phase.",
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
    "Does ingest keep up with the topics, and what holds it up?",
    (_STATES, _MOVES, _BEHIND, _TROUBLE, _TIME),
    variables=(Variable("dataset", "Dataset", series(FRESHNESS), "dataset", many=True),),
    links=(DashboardLink("Overview", "overview"), DATABASE, SLO),
)
