"""Station: the whole platform on one screen."""

from typing import Final

from apps.api.metrics import PROBE_CHECKS
from apps.api.metrics import REQUESTS as API_REQUESTS
from apps.api.metrics import SECONDS as API_SECONDS
from apps.fleet.metrics import FLEET_SERVICES
from apps.ingest.metrics import FRESHNESS, LAG_RECORDS, LAG_SECONDS, RECORDS, REJECTS, STOPPED
from apps.monitoring.alerts.slos import API_WITHIN_S, BUDGET_LEFT, INGEST_WITHIN_S, WRITE_WITHIN_S
from apps.monitoring.dashboards.model import Dashboard, Link, Row, Target, Unit, falling, none_of, rising
from apps.monitoring.dashboards.panels import NOW, SHORT, lines, occurring, or_zero, percentiles, share, state
from apps.monitoring.third_party_metrics import ALERTS
from apps.telemetry.metrics import DATABASE_SECONDS
from apps.telemetry.promql import Match, compose, increase, level, rate

FIRING: Final = Match("alertstate", "firing")
FAILED: Final = Match("status", "5xx")
READ: Final = Match("operation", "read")
WRITE: Final = Match("operation", "write")

MIDDLE: Final = 8
"""Two rows of this height and the figures above them are one screen."""
INGEST: Final = Link("Ingest", "ingest")
ONE_INGEST: Final = Link("This dataset", "ingest", pick="dataset")
API: Final = Link("API", "api")
DATABASE: Final = Link("Database", "database")

_STATES: Final = Row(
    "Is the platform well?",
    (
        state(
            "Firing alerts",
            "Alerts that fire now, whatever their severity. Zero is the only good number; look them up on SLO.",
            compose("count({}) or vector(0)", level(ALERTS, FIRING, by=("alertname", "severity"))),
            Unit.COUNT,
            none_of(),
            links=(Link("SLO", "slo"),),
        ),
        state(
            "Least budget left",
            "What is left of the error budget of 30 days, of the objective that has the least. Below 0 it is spent.",
            level(BUDGET_LEFT, aggregate="min"),
            Unit.RATIO,
            falling(0.25, 0),
            links=(Link("SLO", "slo"),),
        ),
        state(
            "Worst lag",
            "How long ago the topic ended where the most backward dataset stands now. Its objective is a minute.",
            level(LAG_SECONDS),
            Unit.SECONDS,
            rising(INGEST_WITHIN_S / 2, INGEST_WITHIN_S),
            links=(INGEST,),
        ),
        state(
            "Records left waiting",
            "Seconds since the last batch of a dataset that has records waiting: ingest stands still. A quiet topic "
            "has none waiting, and is well.",
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
        state(
            "Stopped sources",
            "Partitions that ingest has stopped because their state is wrong. Nothing skips them: somebody must look.",
            level(STOPPED, aggregate="sum"),
            Unit.COUNT,
            none_of(),
            links=(INGEST,),
        ),
        state(
            "API errors",
            "The share of API requests of the last five minutes that failed on our side (5xx).",
            share(rate(API_REQUESTS, FAILED, window=NOW), rate(API_REQUESTS, window=NOW)),
            Unit.RATIO,
            rising(0.001, 0.01),
            links=(API,),
        ),
        state(
            "Outliers",
            "Services of the fleet that stand out against their own past and their peers.",
            level(FLEET_SERVICES, Match("state", "outlier")),
            Unit.COUNT,
            rising(1, 5),
            links=(Link("Fleet", "fleet"),),
        ),
        state(
            "Failed probes",
            "Checks of the probe from the outside that failed within ten minutes. No data: no probe ran.",
            or_zero(
                increase(PROBE_CHECKS, Match("outcome", "failed"), window="10m"), increase(PROBE_CHECKS, window="10m")
            ),
            Unit.COUNT,
            none_of(0.5),
            links=(API,),
            decimals=0,
        ),
    ),
    height=SHORT,
)

_IN: Final = Row(
    "What comes in, and how far behind it is",
    (
        lines(
            "Records in",
            "Records committed to PostgreSQL per second, rows and rejects alike, by dataset.",
            Unit.RECORDS_PER_SECOND,
            Target(rate(RECORDS, by=("dataset",)), "{{dataset}}"),
            width=6,
            links=(ONE_INGEST,),
        ),
        lines(
            "Records refused",
            "Records per second that did not become rows, by dataset and reason. They wait in the quarantine.",
            Unit.RECORDS_PER_SECOND,
            Target(occurring(REJECTS, by=("dataset", "reason")), "{{dataset}}: {{reason}}"),
            width=6,
            links=(ONE_INGEST,),
        ),
        lines(
            "Lag by dataset",
            "How long ago the topic ended where the dataset's most backward partition stands now; 0 at the end.",
            Unit.SECONDS,
            Target(level(LAG_SECONDS, by=("dataset",)), "{{dataset}}"),
            width=6,
            scale=rising(INGEST_WITHIN_S / 2, INGEST_WITHIN_S),
            links=(ONE_INGEST,),
        ),
        lines(
            "Freshness by dataset",
            "Seconds since the dataset's last batch was committed. It rises where the topic is quiet, too.",
            Unit.SECONDS,
            Target(level(FRESHNESS, by=("dataset",)), "{{dataset}}"),
            width=6,
            links=(ONE_INGEST,),
        ),
    ),
    height=MIDDLE,
)

_OUT: Final = Row(
    "What is asked for, and how long callers wait",
    (
        lines(
            "API requests",
            "Requests per second that the API answered, by class of status.",
            Unit.REQUESTS_PER_SECOND,
            Target(rate(API_REQUESTS, by=("status",)), "{{status}}"),
            width=6,
            links=(API,),
        ),
        lines(
            "API latency",
            "Seconds from the key's check to the answer's beginning, over all operations. The objective is "
            "99 % within half a second.",
            Unit.SECONDS,
            *percentiles(API_SECONDS),
            width=6,
            scale=rising(API_WITHIN_S / 2, API_WITHIN_S),
            links=(API,),
        ),
        lines(
            "Database reads",
            "Seconds that callers in Andén waited for a read of PostgreSQL, measured at their side.",
            Unit.SECONDS,
            *percentiles(DATABASE_SECONDS, READ),
            width=6,
            scale=rising(WRITE_WITHIN_S / 2, WRITE_WITHIN_S),
            links=(DATABASE,),
        ),
        lines(
            "Database writes",
            "Seconds that callers in Andén waited for a write of PostgreSQL, COPY included. The objective is "
            "99 % within half a second.",
            Unit.SECONDS,
            *percentiles(DATABASE_SECONDS, WRITE),
            width=6,
            scale=rising(WRITE_WITHIN_S / 2, WRITE_WITHIN_S),
            links=(DATABASE,),
        ),
    ),
    height=MIDDLE,
)

STATION: Final = Dashboard(
    "station",
    "Andén · Station",
    "Is the platform well, and if not, where to look?",
    (_STATES, _IN, _OUT),
    time_from="now-3h",
    details=(INGEST, API, DATABASE, Link("Fleet", "fleet"), Link("SLO", "slo")),
)
