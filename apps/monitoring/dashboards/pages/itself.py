"""Andén watches itself: whether what this page and all others show can be believed."""

from typing import Final

from apps.cloudwatch.metrics import (
    CLOUDWATCH_BUDGET,
    CLOUDWATCH_CALLS,
    CLOUDWATCH_COLLECTED,
    CLOUDWATCH_METRICS,
    CLOUDWATCH_POINTS,
    CLOUDWATCH_SPENT,
    CLOUDWATCH_STOPPED,
)
from apps.datasets.metrics import BEAT
from apps.fleet.metrics import FLEET_EVALUATED, FLEET_EVALUATION_SECONDS, FLEET_EVALUATIONS, INCIDENTS_OPEN
from apps.jobs.metrics import JOBS, JOBS_WAITING
from apps.monitoring.dashboards.model import (
    Column,
    Dashboard,
    Link,
    Meaning,
    Panel,
    Row,
    Target,
    Unit,
    none_of,
    rising,
)
from apps.monitoring.dashboards.panels import SHORT, TALL, age, lines, or_zero, percentiles, share, state
from apps.monitoring.metrics import DRIFTED, SYNC_REQUESTS, SYNCED
from apps.monitoring.third_party_metrics import (
    CPU_SECONDS,
    HEAD_SERIES,
    NOTIFICATIONS,
    NOTIFICATIONS_FAILED,
    RESIDENT,
    RULES_FAILED,
    RULES_INTERVAL,
    RULES_SECONDS,
    SCRAPE_SAMPLES,
    SCRAPE_SECONDS,
    UP,
)
from apps.telemetry.metrics import SPANS
from apps.telemetry.promql import compose, increase, level, quantile, rate, series

USD_PER_METRIC: Final = 0.01 / 1_000
"""What CloudWatch bills for one metric asked for. Source: https://aws.amazon.com/cloudwatch/pricing/"""
DAYS_A_MONTH: Final = 30
DAY_S: Final = 86_400
STATION: Final = Link("Station", "station")
FLEET: Final = Link("Fleet", "fleet")
AWS: Final = Link("AWS", "aws")
INGEST: Final = Link("Ingest", "ingest")
TARGET: Final = ("job", "instance")
STOPPED: Final = (Meaning(0, "running", "well"), Meaning(1, "stopped", "bad"))

_STATES: Final = Row(
    "Can these pages be believed?",
    (
        state(
            "Targets down",
            "Targets that Prometheus does not reach: what they measure is missing everywhere.",
            or_zero(compose("count({} == 0)", series(UP)), compose("count({})", series(UP))),
            Unit.COUNT,
            none_of(),
            links=(STATION,),
        ),
        state(
            "Failed rules",
            "Evaluations of rules that failed within ten minutes: alerts that cannot fire.",
            increase(RULES_FAILED, window="10m"),
            Unit.COUNT,
            none_of(0.5),
            decimals=0,
            links=(STATION,),
        ),
        state(
            "Drifted",
            "Dashboards, rules and folders in Grafana that somebody edited by hand. No data: no Grafana is set.",
            or_zero(level(DRIFTED, aggregate="sum"), level(SYNCED)),
            Unit.COUNT,
            none_of(),
            links=(STATION,),
        ),
        state(
            "Synchronised",
            "Seconds since Grafana was last in step with dashboards and rules. Decades: never. No data: no Grafana "
            "is set.",
            age(SYNCED),
            Unit.SECONDS,
            rising(6 * DAY_S, 7 * DAY_S),
            links=(STATION,),
        ),
        state(
            "Fleet evaluated",
            "Seconds since the fleet was last evaluated.",
            age(FLEET_EVALUATED),
            Unit.SECONDS,
            rising(150, 300),
            links=(FLEET,),
        ),
        state(
            "CloudWatch",
            "Whether the collector runs, or stands still because the month's budget is spent.",
            level(CLOUDWATCH_STOPPED),
            Unit.STATE,
            meanings=STOPPED,
            links=(AWS,),
        ),
        state(
            "CloudWatch's budget spent",
            "The share of this month's budget for CloudWatch that is spent; at 100 % collection stops.",
            compose("{} / ({} > 0)", level(CLOUDWATCH_SPENT), level(CLOUDWATCH_BUDGET)),
            Unit.RATIO,
            rising(0.8, 1),
            links=(AWS,),
        ),
        state(
            "Heartbeat of beat",
            "Seconds since a worker last got beat's heartbeat. Without it nothing scheduled runs: no evaluation, no "
            "search for drift, no collection.",
            age(BEAT),
            Unit.SECONDS,
            rising(180, 600),
            links=(INGEST,),
        ),
    ),
    height=SHORT,
)

_PROMETHEUS: Final = Row(
    "Prometheus",
    (
        lines(
            "Scrape duration",
            "Seconds that each scrape takes; what comes near the scrape interval leaves gaps.",
            Unit.SECONDS,
            Target(level(SCRAPE_SECONDS, by=TARGET), "{{job}} {{instance}}"),
            width=8,
            scale=rising(0.25, 5),
        ),
        lines(
            "Samples a scrape",
            "Samples that each target gives. A jump is a label with too many values.",
            Unit.COUNT,
            Target(level(SCRAPE_SAMPLES, by=TARGET), "{{job}} {{instance}}"),
            width=8,
        ),
        Panel(
            "Targets",
            "When each target was reached.",
            "timeline",
            Unit.STATE,
            (Target(level(UP, by=TARGET, aggregate="min"), "{{job}} {{instance}}"),),
            8,
            meanings=(Meaning(1, "up", "well"), Meaning(0, "down", "bad")),
            links=(STATION,),
        ),
        lines(
            "Rules, of their interval",
            "The share of its interval that a group of rules takes; at 100 % evaluations are skipped.",
            Unit.RATIO,
            Target(
                compose(
                    "{} / {}",
                    level(RULES_SECONDS, by=("rule_group",)),
                    level(RULES_INTERVAL, by=("rule_group",)),
                ),
                "{{rule_group}}",
            ),
            width=8,
            scale=rising(0.5, 0.9),
        ),
        lines(
            "Series in memory",
            "Series that Prometheus holds; its memory follows them.",
            Unit.COUNT,
            Target(level(HEAD_SERIES, by=TARGET), "{{instance}}"),
            width=8,
        ),
        lines(
            "Memory of monitoring",
            "Memory of each process that tells it: Prometheus, Alertmanager, exporters.",
            Unit.BYTES,
            Target(level(RESIDENT, by=TARGET), "{{job}} {{instance}}"),
            width=8,
        ),
        lines(
            "CPU of monitoring",
            "CPU seconds per second of each process that tells it.",
            Unit.SECONDS,
            Target(rate(CPU_SECONDS, by=TARGET), "{{job}} {{instance}}"),
            width=8,
        ),
        lines(
            "Failed rules by group",
            "Evaluations of rules that failed.",
            Unit.COUNT,
            Target(increase(RULES_FAILED, by=("rule_group",)), "{{rule_group}}"),
            width=8,
            scale=none_of(0.5),
        ),
        lines(
            "Notifications that failed",
            "The share of Alertmanager's notifications that did not arrive, by the way they go.",
            Unit.RATIO,
            Target(
                share(
                    rate(NOTIFICATIONS_FAILED, by=("integration",)),
                    rate(NOTIFICATIONS, by=("integration",)),
                ),
                "{{integration}}",
            ),
            width=8,
            scale=rising(0.01, 0.1),
        ),
    ),
    height=TALL,
)

_GRAFANA: Final = Row(
    "Grafana and traces",
    (
        lines(
            "Requests to Grafana",
            "Requests of the synchronisation, by method and class of status.",
            Unit.COUNT,
            Target(increase(SYNC_REQUESTS, by=("method", "status")), "{{method}} {{status}}"),
            width=8,
        ),
        Panel(
            "Edited by hand",
            "What differs in Grafana from what is committed: `manage.py dashboards drift` says how, `sync` mends it.",
            "table",
            Unit.COUNT,
            (Target(compose("{} == 1", level(DRIFTED, by=("uid",))), "{{uid}}", instant=True),),
            8,
            columns=(Column("uid", "Object"), Column("value", "Drifted", Unit.COUNT, none_of(), width=110)),
            links=(STATION,),
        ),
        lines(
            "Spans",
            "Spans of traces per second by what became of them: sent, refused by the collector, or dropped because "
            "too many waited. No data: tracing is off.",
            Unit.PER_SECOND,
            Target(rate(SPANS, by=("outcome",)), "{{outcome}}"),
            width=8,
        ),
    ),
    height=TALL,
)

_JOBS: Final = Row(
    "Work in the background",
    (
        lines(
            "Jobs",
            "Jobs that are queued, running or failed. Failed ones stay until somebody queues them again, or they are "
            "old: the admin's list says why.",
            Unit.COUNT,
            Target(level(JOBS, by=("state",)), "{{state}}"),
            width=12,
        ),
        lines(
            "Longest wait of a job",
            "Seconds for which the oldest queued job of each kind could have run. No data: none waits.",
            Unit.SECONDS,
            Target(age(JOBS_WAITING, by=("kind",)), "{{kind}}"),
            width=12,
            scale=rising(300, 1_800),
        ),
    ),
    height=TALL,
)

_CLOUDWATCH: Final = Row(
    "CloudWatch",
    (
        lines(
            "Calls",
            "Calls of GetMetricData by outcome: ok, throttled, refused, away.",
            Unit.COUNT,
            Target(increase(CLOUDWATCH_CALLS, by=("outcome",)), "{{outcome}}"),
            width=5,
            links=(AWS,),
        ),
        lines(
            "Spent and allowed",
            "What this month's calls have cost, and what they may cost.",
            Unit.DOLLARS,
            Target(level(CLOUDWATCH_SPENT), "spent"),
            Target(level(CLOUDWATCH_BUDGET), "allowed"),
            width=5,
            pale="allowed",
        ),
        lines(
            "A month at this pace",
            "What a month costs when it goes on as in the day before each moment, at $0.01 per 1,000 metrics.",
            Unit.DOLLARS,
            Target(
                compose(f"{{}} * {DAYS_A_MONTH * USD_PER_METRIC:g}", increase(CLOUDWATCH_METRICS, window="1d")),
                "forecast",
            ),
            width=5,
        ),
        lines(
            "Points",
            "Points taken over, timely or late, per second.",
            Unit.PER_SECOND,
            Target(rate(CLOUDWATCH_POINTS, by=("arrival",)), "{{arrival}}"),
            width=5,
        ),
        state(
            "Collected",
            "Seconds since a whole cycle of the collector last ended well.",
            age(CLOUDWATCH_COLLECTED),
            Unit.SECONDS,
            rising(900, 1_800),
            width=4,
            links=(AWS,),
        ),
    ),
    height=TALL,
)

_FLEET: Final = Row(
    "The outlier engine, and incidents",
    (
        lines(
            "Seconds of an evaluation",
            "How long evaluations of the fleet take, all phases together.",
            Unit.SECONDS,
            *percentiles(FLEET_EVALUATION_SECONDS),
            width=6,
            scale=rising(10, 30),
        ),
        lines(
            "By phase",
            "The 95th percentile of each phase: read, score, store.",
            Unit.SECONDS,
            Target(quantile(0.95, FLEET_EVALUATION_SECONDS, by=("phase",)), "p95 {{phase}}"),
            width=6,
        ),
        lines(
            "Evaluations by outcome",
            "Evaluations of the fleet by how they ended; all but ok is trouble.",
            Unit.COUNT,
            Target(increase(FLEET_EVALUATIONS, by=("outcome",)), "{{outcome}}"),
            width=6,
        ),
        lines(
            "Open incidents",
            "Incidents that nobody has closed, by kind.",
            Unit.COUNT,
            Target(level(INCIDENTS_OPEN, by=("kind",)), "{{kind}}"),
            width=6,
            links=(FLEET,),
        ),
    ),
    height=TALL,
)

SELF: Final = Dashboard(
    "self",
    "Andén · Andén watches itself",
    "Can what these pages show be believed, and what does the watching cost?",
    (_STATES, _PROMETHEUS, _GRAFANA, _JOBS, _CLOUDWATCH, _FLEET),
    details=(STATION, FLEET, AWS),
)
