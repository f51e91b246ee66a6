"""Database: how long reads and writes take, from three sources that measure at different points."""

from typing import Final

from apps.cloudwatch.catalogue.catalogue import BY_KEY
from apps.monitoring.alerts.slos import WRITE_WITHIN_S
from apps.monitoring.dashboards.aws_panels import aws_timeseries
from apps.monitoring.dashboards.model import (
    Dashboard,
    DashboardLink,
    Panel,
    PanelQuery,
    PanelRow,
    ResourceVariable,
    Unit,
    Variable,
    falling,
    rising,
)
from apps.monitoring.dashboards.panels import (
    NOW,
    SHORT,
    TALL,
    YES_NO,
    histogram_series,
    or_zero,
    percentiles,
    stat,
    timeseries,
)
from apps.monitoring.third_party_metrics import (
    PG_BLOCK_READ,
    PG_BLOCK_WRITE,
    PG_CALLS,
    PG_CONNECTIONS,
    PG_DEADLOCKS,
    PG_HITS,
    PG_MAX_CONNECTIONS,
    PG_READS,
    PG_SECONDS,
    PG_SIZE,
    PG_UP,
)
from apps.telemetry.metrics import DATABASE_ERRORS, DATABASE_SECONDS
from apps.telemetry.promql import (
    LabelMatcher,
    PromqlQuery,
    bucket_rate,
    compose,
    count_rate,
    increase,
    level,
    quantile,
    rate,
)

ALIAS: Final = LabelMatcher("alias", "$alias", "=~")
READ: Final = LabelMatcher("operation", "read")
WRITE: Final = LabelMatcher("operation", "write")
WAIT: Final = rising(WRITE_WITHIN_S / 2, WRITE_WITHIN_S)
STATEMENT: Final = ("user", "queryid")
INGEST: Final = DashboardLink("Ingest", "ingest")
API: Final = DashboardLink("API", "api")
AWS: Final = DashboardLink("AWS", "aws")
SLO: Final = DashboardLink("SLO", "slo")


def _busiest(query: PromqlQuery) -> PromqlQuery:
    """The top ten statements by the query."""
    return compose("topk(10, {} > 0)", query)


_STATES: Final = PanelRow(
    "Is PostgreSQL up and fast?",
    (
        stat(
            "Read p95",
            "Over the last five minutes callers waited at most this long for 19 of 20 reads.",
            quantile(0.95, DATABASE_SECONDS, ALIAS, READ, window=NOW),
            Unit.SECONDS,
            WAIT,
            width=4,
            links=(API,),
        ),
        stat(
            "Write p95",
            "Over the last five minutes callers waited at most this long for 19 of 20 writes.",
            quantile(0.95, DATABASE_SECONDS, ALIAS, WRITE, window=NOW),
            Unit.SECONDS,
            WAIT,
            width=4,
            links=(INGEST,),
        ),
        stat(
            "Database errors",
            "Operations per second that failed or lost their connection, over the last five minutes.",
            or_zero(rate(DATABASE_ERRORS, ALIAS, window=NOW), count_rate(DATABASE_SECONDS, ALIAS, window=NOW)),
            Unit.PER_SECOND,
            rising(0.01, 1),
            width=4,
            links=(SLO,),
        ),
        stat(
            "Reachable",
            "Whether postgres_exporter reaches PostgreSQL. No data: no exporter runs.",
            level(PG_UP, aggregate="min"),
            Unit.STATE,
            falling(1, 1),
            width=4,
            value_mappings=YES_NO,
            links=(AWS,),
        ),
        stat(
            "Connections in use",
            "Open connections as a share of max_connections.",
            compose("{} / {}", level(PG_CONNECTIONS, aggregate="sum"), level(PG_MAX_CONNECTIONS)),
            Unit.RATIO,
            rising(0.7, 0.9),
            width=4,
            links=(AWS,),
        ),
        stat(
            "Cache hit ratio",
            "The share of blocks found in shared buffers. When it is low, disk latency matters.",
            compose(
                "{} / ({} + {} > 0)",
                rate(PG_HITS, window=NOW),
                rate(PG_HITS, window=NOW),
                rate(PG_READS, window=NOW),
            ),
            Unit.RATIO,
            falling(0.95, 0.8),
            width=4,
            links=(AWS,),
        ),
    ),
    height=SHORT,
)

_CALLERS: Final = PanelRow(
    "1 · What callers wait for (measured in Andén's processes; network, pool and COPY included)",
    (
        timeseries(
            "Read duration for callers",
            "Seconds that callers waited for a read. Source: Andén's own cursors, network included.",
            Unit.SECONDS,
            *percentiles(DATABASE_SECONDS, ALIAS, READ),
            width=8,
            thresholds=WAIT,
        ),
        timeseries(
            "Write duration for callers",
            "Seconds that callers waited for a write, including COPY and Django's commits. Source: Andén's own "
            "cursors. The objective is 99 % within half a second.",
            Unit.SECONDS,
            *percentiles(DATABASE_SECONDS, ALIAS, WRITE),
            width=8,
            thresholds=WAIT,
        ),
        timeseries(
            "Operations",
            "Operations per second by type: read, write, or other (transactions, settings).",
            Unit.PER_SECOND,
            PanelQuery(count_rate(DATABASE_SECONDS, ALIAS, by=("operation",)), "{{operation}}"),
            width=8,
        ),
        timeseries(
            "Duration by role",
            "The 95th percentile of reads and writes by database role, to find whose work is slow.",
            Unit.SECONDS,
            PanelQuery(
                quantile(
                    0.95, DATABASE_SECONDS, ALIAS, LabelMatcher("operation", "other", "!="), by=("alias", "operation")
                ),
                "p95 {{alias}} {{operation}}",
            ),
            width=8,
            thresholds=WAIT,
        ),
        Panel(
            "Write duration distribution",
            "Number of writes by duration. Two bands mean two kinds of work, or a cache that half the writes miss.",
            "heatmap",
            Unit.SECONDS,
            (PanelQuery(bucket_rate(DATABASE_SECONDS, ALIAS, WRITE), "{{le}}"),),
            8,
        ),
        timeseries(
            "Errors by SQLSTATE class",
            "Failed operations by SQLSTATE class: 08 connection, 40 serialization failure or deadlock, 53 out of "
            "resources, 57 operator intervention, 23 constraint violation.",
            Unit.COUNT,
            PanelQuery(
                increase(DATABASE_ERRORS, ALIAS, by=("alias", "sqlstate_class")), "{{alias}} {{sqlstate_class}}"
            ),
            width=8,
            thresholds=rising(1, 100),
        ),
    ),
    height=TALL,
)

_STATEMENTS: Final = PanelRow(
    "2 · What statements take inside PostgreSQL (pg_stat_statements through postgres_exporter)",
    (
        timeseries(
            "Busiest statements",
            "Seconds of execution per second of the top ten statements. Source: pg_stat_statements, without network "
            "and pool; the exporter reports the 100 busiest, by role and query ID.",
            Unit.SECONDS,
            PanelQuery(_busiest(rate(PG_SECONDS, by=STATEMENT)), "{{user}} {{queryid}}"),
            width=8,
        ),
        timeseries(
            "Mean execution time",
            "The mean execution time of the ten slowest statements. Source: pg_stat_statements, which has no "
            "percentiles.",
            Unit.SECONDS,
            PanelQuery(
                _busiest(compose("{} / ({} > 0)", rate(PG_SECONDS, by=STATEMENT), rate(PG_CALLS, by=STATEMENT))),
                "{{user}} {{queryid}}",
            ),
            width=8,
            thresholds=WAIT,
        ),
        timeseries(
            "Block I/O time",
            "Seconds per second that statements spent on reading and writing blocks. Source: pg_stat_statements; zero "
            "unless track_io_timing is on.",
            Unit.SECONDS,
            PanelQuery(rate(PG_BLOCK_READ), "reading"),
            PanelQuery(rate(PG_BLOCK_WRITE), "writing"),
            width=8,
        ),
        timeseries(
            "Connections",
            "Open connections by database. Source: pg_stat_database.",
            Unit.COUNT,
            PanelQuery(level(PG_CONNECTIONS, by=("datname",), aggregate="sum"), "{{datname}}"),
            width=8,
        ),
        timeseries(
            "Deadlocks",
            "Deadlocks that PostgreSQL detected, by database. Source: pg_stat_database.",
            Unit.COUNT,
            PanelQuery(increase(PG_DEADLOCKS, by=("datname",)), "{{datname}}"),
            width=8,
            thresholds=rising(1, 10),
        ),
        timeseries(
            "Size",
            "Bytes on disk by database, tables and indexes included.",
            Unit.BYTES,
            PanelQuery(level(PG_SIZE, by=("datname",)), "{{datname}}"),
            width=8,
        ),
    ),
    height=TALL,
)

_DISK: Final = PanelRow(
    "3 · What the disk takes (RDS in CloudWatch; seconds per disk operation, not per query)",
    (
        aws_timeseries(
            "Disk latency", "database_read_latency", "database_write_latency", width=8, thresholds=rising(0.01, 0.05)
        ),
        aws_timeseries("Disk operations", "database_read_operations", "database_write_operations", width=8),
        aws_timeseries("Disk queue", "database_disk_queue", width=8, thresholds=rising(10, 64)),
    ),
    height=TALL,
)

DATABASE: Final = Dashboard(
    "database",
    "Andén · Database",
    "How long do reads and writes take: for callers, inside PostgreSQL, and on disk?",
    (_STATES, _CALLERS, _STATEMENTS, _DISK),
    variables=(
        Variable("alias", "Role", histogram_series(DATABASE_SECONDS), "alias", many=True),
        ResourceVariable("database", "RDS instance", BY_KEY["database_cpu"], "DBInstanceIdentifier"),
    ),
    links=(DashboardLink("Overview", "overview"), INGEST, API, AWS, SLO),
)
