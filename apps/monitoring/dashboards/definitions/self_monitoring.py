"""Self-monitoring: whether the dashboards can be trusted, and what monitoring costs."""

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
"""What CloudWatch charges per metric requested. Source: https://aws.amazon.com/cloudwatch/pricing/"""
DAYS_A_MONTH: Final = 30
DAY_S: Final = 86_400
OVERVIEW: Final = DashboardLink("Overview", "overview")
FLEET: Final = DashboardLink("Fleet", "fleet")
AWS: Final = DashboardLink("AWS", "aws")
INGEST: Final = DashboardLink("Ingest", "ingest")
TARGET: Final = ("job", "instance")
STOPPED: Final = (ValueMapping(0, "running", "ok"), ValueMapping(1, "stopped", "critical"))

_STATES: Final = PanelRow(
    "Can you trust these dashboards?",
    (
        stat(
            "Targets down",
            "Targets that Prometheus does not reach: their metrics are missing on all dashboards.",
            or_zero(compose("count({} == 0)", series(UP)), compose("count({})", series(UP))),
            Unit.COUNT,
            zero_expected(),
            links=(OVERVIEW,),
        ),
        stat(
            "Failed rules",
            "Rule evaluations that failed within ten minutes: their alerts cannot fire.",
            increase(RULES_FAILED, window="10m"),
            Unit.COUNT,
            zero_expected(0.5),
            decimals=0,
            links=(OVERVIEW,),
        ),
        stat(
            "Drift",
            "Dashboards, rules and folders edited by hand in Grafana. No data: Grafana is not configured.",
            or_zero(level(DRIFTED, aggregate="sum"), level(LAST_SYNC)),
            Unit.COUNT,
            zero_expected(),
            links=(OVERVIEW,),
        ),
        stat(
            "Last sync",
            "Seconds since Grafana last matched the committed dashboards and rules. Decades: never synced. No data: "
            "Grafana is not configured.",
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
            "Whether the collector runs, or has stopped because this month's budget is spent.",
            level(CLOUDWATCH_STOPPED),
            Unit.STATE,
            value_mappings=STOPPED,
            links=(AWS,),
        ),
        stat(
            "CloudWatch budget spent",
            "The share of this month's CloudWatch budget that is spent; at 100 % collection stops.",
            compose("{} / ({} > 0)", level(CLOUDWATCH_SPENT), level(CLOUDWATCH_BUDGET)),
            Unit.RATIO,
            rising(0.8, 1),
            links=(AWS,),
        ),
        stat(
            "Beat heartbeat",
            "Seconds since a worker last received beat's heartbeat. Without it no scheduled task runs: no fleet "
            "evaluation, no drift detection, no collection.",
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
            "Seconds per scrape. A scrape that takes almost its interval leaves gaps.",
            Unit.SECONDS,
            PanelQuery(level(SCRAPE_SECONDS, by=TARGET), "{{job}} {{instance}}"),
            width=8,
            thresholds=rising(0.25, 5),
        ),
        timeseries(
            "Samples per scrape",
            "Samples per target. A jump means a label with too many values.",
            Unit.COUNT,
            PanelQuery(level(SCRAPE_SAMPLES, by=TARGET), "{{job}} {{instance}}"),
            width=8,
        ),
        Panel(
            "Targets",
            "When each target was up.",
            "timeline",
            Unit.STATE,
            (PanelQuery(level(UP, by=TARGET, aggregate="min"), "{{job}} {{instance}}"),),
            8,
            value_mappings=(ValueMapping(1, "up", "ok"), ValueMapping(0, "down", "critical")),
            links=(OVERVIEW,),
        ),
        timeseries(
            "Rule evaluation time, share of interval",
            "Evaluation time of a rule group as a share of its interval; at 100 % evaluations are skipped.",
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
            "Series in Prometheus's head block; its memory grows with them.",
            Unit.COUNT,
            PanelQuery(level(HEAD_SERIES, by=TARGET), "{{instance}}"),
            width=8,
        ),
        timeseries(
            "Monitoring memory",
            "Resident memory per process: Prometheus, Alertmanager, exporters.",
            Unit.BYTES,
            PanelQuery(level(RESIDENT, by=TARGET), "{{job}} {{instance}}"),
            width=8,
        ),
        timeseries(
            "Monitoring CPU",
            "CPU seconds per second and process.",
            Unit.SECONDS,
            PanelQuery(rate(CPU_SECONDS, by=TARGET), "{{job}} {{instance}}"),
            width=8,
        ),
        timeseries(
            "Failed rules by group",
            "Failed rule evaluations, by group.",
            Unit.COUNT,
            PanelQuery(increase(RULES_FAILED, by=("rule_group",)), "{{rule_group}}"),
            width=8,
            thresholds=zero_expected(0.5),
        ),
        timeseries(
            "Failed notifications",
            "The share of Alertmanager's notifications that failed, by integration.",
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
            "Requests of the sync, by method and status class.",
            Unit.COUNT,
            PanelQuery(increase(SYNC_REQUESTS, by=("method", "status")), "{{method}} {{status}}"),
            width=8,
        ),
        Panel(
            "Edited by hand",
            "Objects edited in Grafana since the sync: `manage.py dashboards drift` shows how, `sync` reverts them.",
            "table",
            Unit.COUNT,
            (PanelQuery(compose("{} == 1", level(DRIFTED, by=("uid",))), "{{uid}}", instant=True),),
            8,
            columns=(
                TableColumn("uid", "Object"),
                TableColumn("value", "Drift", Unit.COUNT, zero_expected(), width=110),
            ),
            links=(OVERVIEW,),
        ),
        timeseries(
            "Spans",
            "Spans per second by outcome: sent, rejected by the collector, or dropped because the queue was full. "
            "No data: tracing is off.",
            Unit.PER_SECOND,
            PanelQuery(rate(SPANS, by=("outcome",)), "{{outcome}}"),
            width=8,
        ),
    ),
    height=TALL,
)

_JOBS: Final = PanelRow(
    "Background jobs",
    (
        timeseries(
            "Jobs",
            "Queued, running and failed jobs. Failed jobs stay until you retry them or they expire; the admin shows "
            "the error.",
            Unit.COUNT,
            PanelQuery(level(JOBS, by=("state",)), "{{state}}"),
            width=12,
        ),
        timeseries(
            "Longest job wait",
            "Seconds since the oldest queued job of each kind was due. No data: the queue is empty.",
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
            "GetMetricData calls by outcome: ok, throttled, refused, unavailable.",
            Unit.COUNT,
            PanelQuery(increase(CLOUDWATCH_CALLS, by=("outcome",)), "{{outcome}}"),
            width=5,
            links=(AWS,),
        ),
        timeseries(
            "Spending and budget",
            "Cost of this month's calls, and the budget.",
            Unit.DOLLARS,
            PanelQuery(level(CLOUDWATCH_SPENT), "spent"),
            PanelQuery(level(CLOUDWATCH_BUDGET), "budget"),
            width=5,
            dimmed="budget",
        ),
        timeseries(
            "Monthly forecast",
            "Monthly cost at the rate of the previous 24 hours, at $0.01 per 1,000 metrics.",
            Unit.DOLLARS,
            PanelQuery(
                compose(f"{{}} * {DAYS_A_MONTH * USD_PER_METRIC:g}", increase(CLOUDWATCH_METRICS, window="1d")),
                "forecast",
            ),
            width=5,
        ),
        timeseries(
            "Data points",
            "Data points stored per second, on time or late.",
            Unit.PER_SECOND,
            PanelQuery(rate(CLOUDWATCH_POINTS, by=("arrival",)), "{{arrival}}"),
            width=5,
        ),
        stat(
            "Last collection",
            "Seconds since the collector last completed a full cycle.",
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
    "Outlier detection and incidents",
    (
        timeseries(
            "Evaluation duration",
            "Duration of a fleet evaluation, all phases.",
            Unit.SECONDS,
            *percentiles(FLEET_EVALUATION_SECONDS),
            width=6,
            thresholds=rising(10, 30),
        ),
        timeseries(
            "Evaluation duration by phase",
            "The 95th percentile of each phase: read, score, store.",
            Unit.SECONDS,
            PanelQuery(quantile(0.95, FLEET_EVALUATION_SECONDS, by=("phase",)), "p95 {{phase}}"),
            width=6,
        ),
        timeseries(
            "Evaluations by outcome",
            "Fleet evaluations by outcome; anything but ok is a problem.",
            Unit.COUNT,
            PanelQuery(increase(FLEET_EVALUATIONS, by=("outcome",)), "{{outcome}}"),
            width=6,
        ),
        timeseries(
            "Open incidents",
            "Incidents that are still open, by kind.",
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
    "Andén · Self-monitoring",
    "Can you trust these dashboards, and what does monitoring cost?",
    (_STATES, _PROMETHEUS, _GRAFANA, _JOBS, _CLOUDWATCH, _FLEET),
    links=(OVERVIEW, FLEET, AWS),
)
