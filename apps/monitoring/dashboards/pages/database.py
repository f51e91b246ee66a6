"""Database: how long reads and writes take, from three sources that measure three different things."""

from typing import Final

from apps.cloudwatch.catalogue.catalogue import BY_KEY
from apps.monitoring.alerts.slos import WRITE_WITHIN_S
from apps.monitoring.dashboards.aws import aws_lines
from apps.monitoring.dashboards.model import (
    Dashboard,
    Link,
    Panel,
    ResourceVariable,
    Row,
    Target,
    Unit,
    Variable,
    falling,
    rising,
)
from apps.monitoring.dashboards.panels import NOW, SHORT, TALL, YES_NO, counted, lines, or_zero, percentiles, state
from apps.monitoring.third_party_metrics import (
    PG_BLOCK_READ,
    PG_BLOCK_WRITE,
    PG_CALLS,
    PG_CONNECTIONS,
    PG_DEADLOCKS,
    PG_HITS,
    PG_MOST_CONNECTIONS,
    PG_READS,
    PG_SECONDS,
    PG_SIZE,
    PG_UP,
)
from apps.telemetry.metrics import DATABASE_ERRORS, DATABASE_SECONDS
from apps.telemetry.promql import Match, Query, bucket_rate, compose, increase, level, observed, quantile, rate

ALIAS: Final = Match("alias", "$alias", "=~")
READ: Final = Match("operation", "read")
WRITE: Final = Match("operation", "write")
WAIT: Final = rising(WRITE_WITHIN_S / 2, WRITE_WITHIN_S)
STATEMENT: Final = ("user", "queryid")
INGEST: Final = Link("Ingest", "ingest")
API: Final = Link("API", "api")
AWS: Final = Link("AWS", "aws")
SLO: Final = Link("SLO", "slo")


def _busiest(query: Query) -> Query:
    """The ten statements with the most of it."""
    return compose("topk(10, {} > 0)", query)


_STATES: Final = Row(
    "Does PostgreSQL answer, and quickly?",
    (
        state(
            "Read p95",
            "19 of 20 reads of the last five minutes were answered within this time, as their callers saw it.",
            quantile(0.95, DATABASE_SECONDS, ALIAS, READ, window=NOW),
            Unit.SECONDS,
            WAIT,
            width=4,
            links=(API,),
        ),
        state(
            "Write p95",
            "19 of 20 writes of the last five minutes were done within this time, as their callers saw it.",
            quantile(0.95, DATABASE_SECONDS, ALIAS, WRITE, window=NOW),
            Unit.SECONDS,
            WAIT,
            width=4,
            links=(INGEST,),
        ),
        state(
            "Refused or lost",
            "Operations per second of the last five minutes that PostgreSQL refused or that lost their connection.",
            or_zero(rate(DATABASE_ERRORS, ALIAS, window=NOW), observed(DATABASE_SECONDS, ALIAS, window=NOW)),
            Unit.PER_SECOND,
            rising(0.01, 1),
            width=4,
            links=(SLO,),
        ),
        state(
            "Reachable",
            "Whether postgres_exporter reaches PostgreSQL. No data: there is no exporter.",
            level(PG_UP, aggregate="min"),
            Unit.STATE,
            falling(1, 1),
            width=4,
            meanings=YES_NO,
            links=(AWS,),
        ),
        state(
            "Connections in use",
            "Open connections, of those that PostgreSQL allows.",
            compose("{} / {}", level(PG_CONNECTIONS, aggregate="sum"), level(PG_MOST_CONNECTIONS)),
            Unit.RATIO,
            rising(0.7, 0.9),
            width=4,
            links=(AWS,),
        ),
        state(
            "Found in memory",
            "The share of blocks that were found in PostgreSQL's memory. Below, disk latency matters.",
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

_CALLERS: Final = Row(
    "1 · What callers waited (measured in Andén's processes; network, pool and COPY included)",
    (
        lines(
            "Reads, as callers see them",
            "Seconds that callers waited for a read. Source: Andén's own cursors, so a slow network counts.",
            Unit.SECONDS,
            *percentiles(DATABASE_SECONDS, ALIAS, READ),
            width=8,
            scale=WAIT,
        ),
        lines(
            "Writes, as callers see them",
            "Seconds that callers waited for a write, COPY and commits of Django included. Source: Andén's own "
            "cursors. The objective is 99 % within half a second.",
            Unit.SECONDS,
            *percentiles(DATABASE_SECONDS, ALIAS, WRITE),
            width=8,
            scale=WAIT,
        ),
        lines(
            "Operations",
            "Operations per second by kind: read, write, or other (transactions, settings).",
            Unit.PER_SECOND,
            Target(observed(DATABASE_SECONDS, ALIAS, by=("operation",)), "{{operation}}"),
            width=8,
        ),
        lines(
            "Slow side by role",
            "The 95th percentile of reads and writes by role of the database: it tells whose work is slow.",
            Unit.SECONDS,
            Target(
                quantile(0.95, DATABASE_SECONDS, ALIAS, Match("operation", "other", "!="), by=("alias", "operation")),
                "p95 {{alias}} {{operation}}",
            ),
            width=8,
            scale=WAIT,
        ),
        Panel(
            "How writes spread",
            "How many writes took how long: two bands are two kinds of work, or a cache that half the writes miss.",
            "heatmap",
            Unit.SECONDS,
            (Target(bucket_rate(DATABASE_SECONDS, ALIAS, WRITE), "{{le}}"),),
            8,
        ),
        lines(
            "Refused or lost by class",
            "Operations by class of SQLSTATE: 08 is a lost connection, 40 a lost race, 53 want of room, 57 an "
            "operator's stop, 23 a broken constraint.",
            Unit.COUNT,
            Target(increase(DATABASE_ERRORS, ALIAS, by=("alias", "sqlstate_class")), "{{alias}} {{sqlstate_class}}"),
            width=8,
            scale=rising(1, 100),
        ),
    ),
    height=TALL,
)

_STATEMENTS: Final = Row(
    "2 · What statements took inside PostgreSQL (pg_stat_statements, by postgres_exporter)",
    (
        lines(
            "Busiest statements",
            "Seconds of work per second of the ten statements with the most. Source: pg_stat_statements, without "
            "network and pool; the exporter gives the 100 busiest, by role and id.",
            Unit.SECONDS,
            Target(_busiest(rate(PG_SECONDS, by=STATEMENT)), "{{user}} {{queryid}}"),
            width=8,
        ),
        lines(
            "Seconds a call",
            "The mean of one execution, of the ten slowest statements. Source: pg_stat_statements, which has no "
            "percentiles.",
            Unit.SECONDS,
            Target(
                _busiest(compose("{} / ({} > 0)", rate(PG_SECONDS, by=STATEMENT), rate(PG_CALLS, by=STATEMENT))),
                "{{user}} {{queryid}}",
            ),
            width=8,
            scale=WAIT,
        ),
        lines(
            "Waiting for blocks",
            "Seconds per second that statements read and wrote blocks. Source: pg_stat_statements; zero unless "
            "track_io_timing is on.",
            Unit.SECONDS,
            Target(rate(PG_BLOCK_READ), "reading"),
            Target(rate(PG_BLOCK_WRITE), "writing"),
            width=8,
        ),
        lines(
            "Connections",
            "Open connections by database. Source: pg_stat_database.",
            Unit.COUNT,
            Target(level(PG_CONNECTIONS, by=("datname",), aggregate="sum"), "{{datname}}"),
            width=8,
        ),
        lines(
            "Deadlocks",
            "Deadlocks that PostgreSQL broke, by database. Source: pg_stat_database.",
            Unit.COUNT,
            Target(increase(PG_DEADLOCKS, by=("datname",)), "{{datname}}"),
            width=8,
            scale=rising(1, 10),
        ),
        lines(
            "Size",
            "Bytes on disk by database, tables and indexes.",
            Unit.BYTES,
            Target(level(PG_SIZE, by=("datname",)), "{{datname}}"),
            width=8,
        ),
    ),
    height=TALL,
)

_DISK: Final = Row(
    "3 · What the disk took (RDS in CloudWatch; seconds per disk operation, not per query)",
    (
        aws_lines(
            "Disk latency", "database_read_latency", "database_write_latency", width=8, scale=rising(0.01, 0.05)
        ),
        aws_lines("Disk operations", "database_read_operations", "database_write_operations", width=8),
        aws_lines("Disk queue", "database_disk_queue", width=8, scale=rising(10, 64)),
    ),
    height=TALL,
)

DATABASE: Final = Dashboard(
    "database",
    "Andén · Database",
    "How long do reads and writes take: for callers, inside of PostgreSQL, and on disk?",
    (_STATES, _CALLERS, _STATEMENTS, _DISK),
    variables=(
        Variable("alias", "Role", counted(DATABASE_SECONDS), "alias", many=True),
        ResourceVariable("database", "RDS instance", BY_KEY["database_cpu"], "DBInstanceIdentifier"),
    ),
    details=(Link("Station", "station"), INGEST, API, AWS, SLO),
)
