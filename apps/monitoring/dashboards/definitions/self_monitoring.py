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
from apps.fleet.metrics import FLEET_EVALUATION_SECONDS, FLEET_EVALUATIONS, FLEET_LAST_EVALUATION, OPEN_INCIDENTS
from apps.jobs.metrics import JOBS, JOBS_WAITING
from apps.monitoring.dashboards.model import (
    Dashboard,
    DashboardLink,
    Panel,
    PanelQuery,
    PanelRow,
    TableColumn,
    Unit,
    ValueMapping,
    rising,
    zero_expected,
)
from apps.monitoring.dashboards.panels import SHORT, TALL, or_zero, percentiles, ratio, seconds_since, stat, timeseries
from apps.monitoring.metrics import DRIFTED, LAST_SYNC, SYNC_REQUESTS
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
OVERVIEW: Final = DashboardLink("Overview", "overview")
FLEET: Final = DashboardLink("Fleet", "fleet")
AWS: Final = DashboardLink("AWS", "aws")
INGEST: Final = DashboardLink("Ingest", "ingest")
TARGET: Final = ("job", "instance")
STOPPED: Final = (ValueMapping(0, "running", "ok"), ValueMapping(1, "stopped", "critical"))

_STATES: Final = PanelRow(
    "Can these pages be believed?",
    (
        stat(
            "Targets down",
            "Targets that Prometheus does not reach: what they measure is missing everywhere.",
            or_zero(compose("count({} == 0)", series(UP)), compose("count({})", series(UP))),
            Unit.COUNT,
            zero_expected(),
            links=(OVERVIEW,),
        ),
        stat(
            "Failed rules",
            "Evaluations of rules that failed within ten minutes: alerts that cannot fire.",
            increase(RULES_FAILED, window="10m"),
            Unit.COUNT,
            zero_expected(0.5),
            decimals=0,
            links=(OVERVIEW,),
        ),
        stat(
            "Drifted",
            "Dashboards, rules and folders in Grafana that somebody edited by hand. No data: no Grafana is set.",
            or_zero(level(DRIFTED, aggregate="sum"), level(LAST_SYNC)),
            Unit.COUNT,
            zero_expected(),
            links=(OVERVIEW,),
        ),
        stat(
            "Synchronised",
            "Seconds since Grafana was last in step with dashboards and rules. Decades: never. No data: no Grafana "
            "is set.",
            seconds_since(LAST_SYNC),
            Unit.SECONDS,
            rising(6 * DAY_S, 7 * DAY_S),
            links=(OVERVIEW,),
        ),
        stat(
            "Fleet evaluated",
            "Seconds since the fleet was last evaluated.",
            seconds_since(FLEET_LAST_EVALUATION),
            Unit.SECONDS,
            rising(150, 300),
            links=(FLEET,),
        ),
        stat(
            "CloudWatch",
            "Whether the collector runs, or stands still because the month's budget is spent.",
            level(CLOUDWATCH_STOPPED),
            Unit.STATE,
            value_mappings=STOPPED,
            links=(AWS,),
        ),
        stat(
            "CloudWatch's budget spent",
            "The share of this month's budget for CloudWatch that is spent; at 100 % collection stops.",
            compose("{} / ({} > 0)", level(CLOUDWATCH_SPENT), level(CLOUDWATCH_BUDGET)),
            Unit.RATIO,
            rising(0.8, 1),
            links=(AWS,),
        ),
        stat(
            "Heartbeat of beat",
            "Seconds since a worker last got beat's heartbeat. Without it nothing scheduled runs: no evaluation, no "
            "search for drift, no collection.",
            seconds_since(BEAT),
            Unit.SECONDS,
            rising(180, 600),
            links=(INGEST,),
        ),
    ),
    height=SHORT,
)

_PROMETHEUS: Final = PanelRow(
    "Prometheus",
    (
        timeseries(
            "Scrape duration",
            "Seconds that each scrape takes; what comes near the scrape interval leaves gaps.",
            Unit.SECONDS,
            PanelQuery(level(SCRAPE_SECONDS, by=TARGET), "{{job}} {{instance}}"),
            width=8,
            thresholds=rising(0.25, 5),
        ),
        timeseries(
            "Samples a scrape",
            "Samples that each target gives. A jump is a label with too many values.",
            Unit.COUNT,
            PanelQuery(level(SCRAPE_SAMPLES, by=TARGET), "{{job}} {{instance}}"),
            width=8,
        ),
        Panel(
            "Targets",
            "When each target was reached.",
            "timeline",
            Unit.STATE,
            (PanelQuery(level(UP, by=TARGET, aggregate="min"), "{{job}} {{instance}}"),),
            8,
            value_mappings=(ValueMapping(1, "up", "ok"), ValueMapping(0, "down", "critical")),
            links=(OVERVIEW,),
        ),
        timeseries(
            "Rules, of their interval",
            "The share of its interval that a group of rules takes; at 100 % evaluations are skipped.",
            Unit.RATIO,
            PanelQuery(
                compose(
                    "{} / {}",
                    level(RULES_SECONDS, by=("rule_group",)),
                    level(RULES_INTERVAL, by=("rule_group",)),
                ),
                "{{rule_group}}",
            ),
            width=8,
            thresholds=rising(0.5, 0.9),
        ),
        timeseries(
            "Series in memory",
            "Series that Prometheus holds; its memory follows them.",
            Unit.COUNT,
            PanelQuery(level(HEAD_SERIES, by=TARGET), "{{instance}}"),
            width=8,
        ),
        timeseries(
            "Memory of monitoring",
            "Memory of each process that tells it: Prometheus, Alertmanager, exporters.",
            Unit.BYTES,
            PanelQuery(level(RESIDENT, by=TARGET), "{{job}} {{instance}}"),
            width=8,
        ),
        timeseries(
            "CPU of monitoring",
            "CPU seconds per second of each process that tells it.",
            Unit.SECONDS,
            PanelQuery(rate(CPU_SECONDS, by=TARGET), "{{job}} {{instance}}"),
            width=8,
        ),
        timeseries(
            "Failed rules by group",
            "Evaluations of rules that failed.",
            Unit.COUNT,
            PanelQuery(increase(RULES_FAILED, by=("rule_group",)), "{{rule_group}}"),
            width=8,
            thresholds=zero_expected(0.5),
        ),
        timeseries(
            "Notifications that failed",
            "The share of Alertmanager's notifications that did not arrive, by the way they go.",
            Unit.RATIO,
            PanelQuery(
                ratio(
                    rate(NOTIFICATIONS_FAILED, by=("integration",)),
                    rate(NOTIFICATIONS, by=("integration",)),
                ),
                "{{integration}}",
            ),
            width=8,
            thresholds=rising(0.01, 0.1),
        ),
    ),
    height=TALL,
)

_GRAFANA: Final = PanelRow(
    "Grafana and traces",
    (
        timeseries(
            "Requests to Grafana",
            "Requests of the synchronisation, by method and class of status.",
            Unit.COUNT,
            PanelQuery(increase(SYNC_REQUESTS, by=("method", "status")), "{{method}} {{status}}"),
            width=8,
        ),
        Panel(
            "Edited by hand",
            "What differs in Grafana from what is committed: `manage.py dashboards drift` says how, `sync` mends it.",
            "table",
            Unit.COUNT,
            (PanelQuery(compose("{} == 1", level(DRIFTED, by=("uid",))), "{{uid}}", instant=True),),
            8,
            columns=(
                TableColumn("uid", "Object"),
                TableColumn("value", "Drifted", Unit.COUNT, zero_expected(), width=110),
            ),
            links=(OVERVIEW,),
        ),
        timeseries(
            "Spans",
            "Spans of traces per second by what became of them: sent, refused by the collector, or dropped because "
            "too many waited. No data: tracing is off.",
            Unit.PER_SECOND,
            PanelQuery(rate(SPANS, by=("outcome",)), "{{outcome}}"),
            width=8,
        ),
    ),
    height=TALL,
)

_JOBS: Final = PanelRow(
    "Work in the background",
    (
        timeseries(
            "Jobs",
            "Jobs that are queued, running or failed. Failed ones stay until somebody queues them again, or they are "
            "old: the admin's list says why.",
            Unit.COUNT,
            PanelQuery(level(JOBS, by=("state",)), "{{state}}"),
            width=12,
        ),
        timeseries(
            "Longest wait of a job",
            "Seconds for which the oldest queued job of each kind could have run. No data: none waits.",
            Unit.SECONDS,
            PanelQuery(seconds_since(JOBS_WAITING, by=("kind",)), "{{kind}}"),
            width=12,
            thresholds=rising(300, 1_800),
        ),
    ),
    height=TALL,
)

_CLOUDWATCH: Final = PanelRow(
    "CloudWatch",
    (
        timeseries(
            "Calls",
            "Calls of GetMetricData by outcome: ok, throttled, refused, away.",
            Unit.COUNT,
            PanelQuery(increase(CLOUDWATCH_CALLS, by=("outcome",)), "{{outcome}}"),
            width=5,
            links=(AWS,),
        ),
        timeseries(
            "Spent and allowed",
            "What this month's calls have cost, and what they may cost.",
            Unit.DOLLARS,
            PanelQuery(level(CLOUDWATCH_SPENT), "spent"),
            PanelQuery(level(CLOUDWATCH_BUDGET), "allowed"),
            width=5,
            dimmed="allowed",
        ),
        timeseries(
            "A month at this pace",
            "What a month costs when it goes on as in the day before each moment, at $0.01 per 1,000 metrics.",
            Unit.DOLLARS,
            PanelQuery(
                compose(f"{{}} * {DAYS_A_MONTH * USD_PER_METRIC:g}", increase(CLOUDWATCH_METRICS, window="1d")),
                "forecast",
            ),
            width=5,
        ),
        timeseries(
            "Points",
            "Points taken over, timely or late, per second.",
            Unit.PER_SECOND,
            PanelQuery(rate(CLOUDWATCH_POINTS, by=("arrival",)), "{{arrival}}"),
            width=5,
        ),
        stat(
            "Collected",
            "Seconds since a whole cycle of the collector last ended well.",
            seconds_since(CLOUDWATCH_COLLECTED),
            Unit.SECONDS,
            rising(900, 1_800),
            width=4,
            links=(AWS,),
        ),
    ),
    height=TALL,
)

_FLEET: Final = PanelRow(
    "The outlier engine, and incidents",
    (
        timeseries(
            "Seconds of an evaluation",
            "How long evaluations of the fleet take, all phases together.",
            Unit.SECONDS,
            *percentiles(FLEET_EVALUATION_SECONDS),
            width=6,
            thresholds=rising(10, 30),
        ),
        timeseries(
            "By phase",
            "The 95th percentile of each phase: read, score, store.",
            Unit.SECONDS,
            PanelQuery(quantile(0.95, FLEET_EVALUATION_SECONDS, by=("phase",)), "p95 {{phase}}"),
            width=6,
        ),
        timeseries(
            "Evaluations by outcome",
            "Evaluations of the fleet by how they ended; all but ok is trouble.",
            Unit.COUNT,
            PanelQuery(increase(FLEET_EVALUATIONS, by=("outcome",)), "{{outcome}}"),
            width=6,
        ),
        timeseries(
            "Open incidents",
            "Incidents that nobody has closed, by kind.",
            Unit.COUNT,
            PanelQuery(level(OPEN_INCIDENTS, by=("kind",)), "{{kind}}"),
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
    links=(OVERVIEW, FLEET, AWS),
)
