"""Overview: all of Andén on one screen."""

from typing import Final

from apps.api.metrics import PROBE_CHECKS
from apps.api.metrics import REQUESTS as API_REQUESTS
from apps.api.metrics import SECONDS as API_SECONDS
from apps.fleet.metrics import FLEET_SERVICES
from apps.ingest.metrics import FRESHNESS, LAG_RECORDS, LAG_SECONDS, RECORDS, REJECTS, STOPPED
from apps.monitoring.alerts.slos import API_WITHIN_S, BUDGET_REMAINING, INGEST_WITHIN_S, WRITE_WITHIN_S
from apps.monitoring.dashboards.model import (
    Dashboard,
    DashboardLink,
    PanelQuery,
    PanelRow,
    Unit,
    falling,
    rising,
    zero_expected,
)
from apps.monitoring.dashboards.panels import NOW, SHORT, nonzero_rate, or_zero, percentiles, ratio, stat, timeseries
from apps.monitoring.third_party_metrics import ALERTS
from apps.telemetry.metrics import DATABASE_SECONDS
from apps.telemetry.promql import LabelMatcher, compose, increase, level, rate

FIRING: Final = LabelMatcher("alertstate", "firing")
FAILED: Final = LabelMatcher("status", "5xx")
READ: Final = LabelMatcher("operation", "read")
WRITE: Final = LabelMatcher("operation", "write")

MIDDLE: Final = 8
"""Two rows of this height plus the stats above fill one screen."""
INGEST: Final = DashboardLink("Ingest", "ingest")
ONE_INGEST: Final = DashboardLink("This dataset", "ingest", label="dataset")
API: Final = DashboardLink("API", "api")
DATABASE: Final = DashboardLink("Database", "database")

_STATES: Final = PanelRow(
    "Is Andén healthy?",
    (
        stat(
            "Firing alerts",
            "Alerts firing now, of any severity. Only zero is good; the SLO dashboard lists them.",
            compose("count({}) or vector(0)", level(ALERTS, FIRING, by=("alertname", "severity"))),
            Unit.COUNT,
            zero_expected(),
            links=(DashboardLink("SLO", "slo"),),
        ),
        stat(
            "Lowest budget remaining",
            "The lowest remaining 30-day error budget of all objectives. Below 0 it is overspent.",
            level(BUDGET_REMAINING, aggregate="min"),
            Unit.RATIO,
            falling(0.25, 0),
            links=(DashboardLink("SLO", "slo"),),
        ),
        stat(
            "Worst lag",
            "How long ago the current position of the slowest dataset was the end of its topic. Objective: 1 min.",
            level(LAG_SECONDS),
            Unit.SECONDS,
            rising(INGEST_WITHIN_S / 2, INGEST_WITHIN_S),
            links=(INGEST,),
        ),
        stat(
            "Stalled ingest",
            "Seconds since the last batch of a dataset that has lag: ingest is stalled. A quiet topic has no lag and "
            "is healthy.",
            or_zero(
                compose(
                    "max({} and on (dataset) {} > 0)",
                    level(FRESHNESS, by=("dataset",)),
                    level(LAG_RECORDS, by=("dataset",)),
                ),
                level(FRESHNESS),
            ),
            Unit.SECONDS,
            rising(60, 300),
            links=(INGEST,),
        ),
        stat(
            "Stopped sources",
            "Partitions that ingest stopped on inconsistent state. They do not resume until someone intervenes.",
            level(STOPPED, aggregate="sum"),
            Unit.COUNT,
            zero_expected(),
            links=(INGEST,),
        ),
        stat(
            "API error ratio",
            "The share of server errors (5xx) over the last five minutes.",
            ratio(rate(API_REQUESTS, FAILED, window=NOW), rate(API_REQUESTS, window=NOW)),
            Unit.RATIO,
            rising(0.001, 0.01),
            links=(API,),
        ),
        stat(
            "Outliers",
            "Services of the fleet that deviate from their own baseline and their peers.",
            level(FLEET_SERVICES, LabelMatcher("state", "outlier")),
            Unit.COUNT,
            rising(1, 5),
            links=(DashboardLink("Fleet", "fleet"),),
        ),
        stat(
            "Failed probe checks",
            "Checks from outside that failed within ten minutes. No data: the probe did not run.",
            or_zero(
                increase(PROBE_CHECKS, LabelMatcher("outcome", "failed"), window="10m"),
                increase(PROBE_CHECKS, window="10m"),
            ),
            Unit.COUNT,
            zero_expected(0.5),
            links=(API,),
            decimals=0,
        ),
    ),
    height=SHORT,
)

_IN: Final = PanelRow(
    "Input and lag",
    (
        timeseries(
            "Records in",
            "Records committed to PostgreSQL per second, rows and rejects, by dataset.",
            Unit.RECORDS_PER_SECOND,
            PanelQuery(rate(RECORDS, by=("dataset",)), "{{dataset}}"),
            width=6,
            links=(ONE_INGEST,),
        ),
        timeseries(
            "Records rejected",
            "Records per second that did not become rows, by dataset and reason. They are in the quarantine.",
            Unit.RECORDS_PER_SECOND,
            PanelQuery(nonzero_rate(REJECTS, by=("dataset", "reason")), "{{dataset}}: {{reason}}"),
            width=6,
            links=(ONE_INGEST,),
        ),
        timeseries(
            "Lag by dataset",
            "How long ago the current position of the slowest partition was the end of the topic; 0 when caught up.",
            Unit.SECONDS,
            PanelQuery(level(LAG_SECONDS, by=("dataset",)), "{{dataset}}"),
            width=6,
            thresholds=rising(INGEST_WITHIN_S / 2, INGEST_WITHIN_S),
            links=(ONE_INGEST,),
        ),
        timeseries(
            "Freshness by dataset",
            "Seconds since the dataset's last batch was committed. It also rises when the topic is quiet.",
            Unit.SECONDS,
            PanelQuery(level(FRESHNESS, by=("dataset",)), "{{dataset}}"),
            width=6,
            links=(ONE_INGEST,),
        ),
    ),
    height=MIDDLE,
)

_OUT: Final = PanelRow(
    "Output and response times",
    (
        timeseries(
            "API requests",
            "API requests per second, by status class.",
            Unit.REQUESTS_PER_SECOND,
            PanelQuery(rate(API_REQUESTS, by=("status",)), "{{status}}"),
            width=6,
            links=(API,),
        ),
        timeseries(
            "API latency",
            "Seconds from the key check to the start of the response, over all operations. The objective is "
            "99 % within half a second.",
            Unit.SECONDS,
            *percentiles(API_SECONDS),
            width=6,
            thresholds=rising(API_WITHIN_S / 2, API_WITHIN_S),
            links=(API,),
        ),
        timeseries(
            "Database reads",
            "Seconds that callers in Andén waited for a read, measured on their side.",
            Unit.SECONDS,
            *percentiles(DATABASE_SECONDS, READ),
            width=6,
            thresholds=rising(WRITE_WITHIN_S / 2, WRITE_WITHIN_S),
            links=(DATABASE,),
        ),
        timeseries(
            "Database writes",
            "Seconds that callers in Andén waited for a write, COPY included. The objective is 99 % within half a "
            "second.",
            Unit.SECONDS,
            *percentiles(DATABASE_SECONDS, WRITE),
            width=6,
            thresholds=rising(WRITE_WITHIN_S / 2, WRITE_WITHIN_S),
            links=(DATABASE,),
        ),
    ),
    height=MIDDLE,
)

OVERVIEW: Final = Dashboard(
    "overview",
    "Andén · Overview",
    "Is Andén healthy, and if not, where is the problem?",
    (_STATES, _IN, _OUT),
    time_from="now-3h",
    links=(INGEST, API, DATABASE, DashboardLink("Fleet", "fleet"), DashboardLink("SLO", "slo")),
)
