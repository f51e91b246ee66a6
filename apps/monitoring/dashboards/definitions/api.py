"""API: rate, errors and duration by route and by client class."""

from typing import Final

from apps.api.metrics import EXPORT_BYTES, EXPORTS, PROBE_CHECKS, PROBE_LAST_RUN, RECORDS, REQUESTS, SECONDS
from apps.monitoring.alerts.slos import API_WITHIN_S
from apps.monitoring.dashboards.model import (
    Dashboard,
    DashboardLink,
    Panel,
    PanelQuery,
    PanelRow,
    TableColumn,
    Unit,
    Variable,
    rising,
    zero_expected,
)
from apps.monitoring.dashboards.panels import (
    NOW,
    SHORT,
    TALL,
    or_zero,
    percentiles,
    ratio,
    seconds_since,
    stat,
    timeseries,
)
from apps.monitoring.third_party_metrics import VIEW_EXCEPTIONS, VIEW_RESPONSES, VIEW_SECONDS
from apps.telemetry.promql import LabelMatcher, count_rate, increase, quantile, rate, series

DATASET: Final = LabelMatcher("dataset", "$dataset", "=~")
CLIENTS: Final = LabelMatcher("client_class", "$client_class", "=~")
CHOSEN: Final = (DATASET, CLIENTS)
FAILED: Final = LabelMatcher("status", "5xx")
REFUSED: Final = LabelMatcher("status", "4xx")
LATENCY: Final = rising(API_WITHIN_S / 2, API_WITHIN_S)
ERRORS: Final = rising(0.001, 0.01)
SLO: Final = DashboardLink("SLO", "slo")
DATABASE: Final = DashboardLink("Database", "database")

_STATES: Final = PanelRow(
    "Does the API serve third parties?",
    (
        stat(
            "Requests",
            "Requests per second over the last five minutes.",
            rate(REQUESTS, *CHOSEN, window=NOW),
            Unit.REQUESTS_PER_SECOND,
            width=4,
            links=(SLO,),
        ),
        stat(
            "Error ratio",
            "The share of server errors (5xx) over the last five minutes. The objective is 0.1 %.",
            ratio(rate(REQUESTS, *CHOSEN, FAILED, window=NOW), rate(REQUESTS, *CHOSEN, window=NOW)),
            Unit.RATIO,
            ERRORS,
            width=4,
            links=(SLO,),
        ),
        stat(
            "Client error ratio",
            "The share of client errors (4xx) over the last five minutes: a wrong key, a wrong URL, an unknown "
            "filter. If it is high, a client needs help.",
            ratio(rate(REQUESTS, *CHOSEN, REFUSED, window=NOW), rate(REQUESTS, *CHOSEN, window=NOW)),
            Unit.RATIO,
            rising(0.1, 0.5),
            width=4,
            links=(SLO,),
        ),
        stat(
            "Latency p95",
            "Over the last five minutes 19 of 20 responses started within this time.",
            quantile(0.95, SECONDS, CLIENTS, window=NOW),
            Unit.SECONDS,
            LATENCY,
            width=4,
            links=(DATABASE,),
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
            width=4,
            decimals=0,
            links=(SLO,),
        ),
        stat(
            "Last probe round",
            "Seconds since the probe last completed a round of checks. No data: it never ran.",
            seconds_since(PROBE_LAST_RUN),
            Unit.SECONDS,
            rising(300, 900),
            width=4,
            links=(SLO,),
        ),
    ),
    height=SHORT,
)

_ROUTES: Final = PanelRow(
    "By route",
    (
        timeseries(
            "Rate by operation",
            "Requests per second by operation.",
            Unit.REQUESTS_PER_SECOND,
            PanelQuery(rate(REQUESTS, *CHOSEN, by=("operation",)), "{{operation}}"),
            width=8,
        ),
        timeseries(
            "Error ratio by operation",
            "The share of server errors (5xx) by operation.",
            Unit.RATIO,
            PanelQuery(
                ratio(
                    rate(REQUESTS, *CHOSEN, FAILED, by=("operation",)),
                    rate(REQUESTS, *CHOSEN, by=("operation",)),
                ),
                "{{operation}}",
            ),
            width=8,
            thresholds=ERRORS,
        ),
        timeseries(
            "Latency by operation",
            "The 95th percentile of the seconds until a response starts.",
            Unit.SECONDS,
            PanelQuery(quantile(0.95, SECONDS, CLIENTS, by=("operation",)), "p95 {{operation}}"),
            width=8,
            thresholds=LATENCY,
            links=(DATABASE,),
        ),
        Panel(
            "Routes",
            "Rate and errors per dataset and operation over the last five minutes. An empty dataset means that "
            "the key has no access to a dataset of that name.",
            "table",
            Unit.REQUESTS_PER_SECOND,
            (
                PanelQuery(rate(REQUESTS, *CHOSEN, by=("dataset", "operation"), window=NOW), "rate", instant=True),
                PanelQuery(
                    rate(REQUESTS, *CHOSEN, FAILED, by=("dataset", "operation"), window=NOW), "failed", instant=True
                ),
                PanelQuery(
                    rate(REQUESTS, *CHOSEN, REFUSED, by=("dataset", "operation"), window=NOW), "refused", instant=True
                ),
            ),
            24,
            columns=(
                TableColumn("dataset", "Dataset"),
                TableColumn("operation", "Operation"),
                TableColumn("value A", "Requests", Unit.REQUESTS_PER_SECOND, order="down"),
                TableColumn("value B", "Server errors (5xx)", Unit.REQUESTS_PER_SECOND, zero_expected(0.001)),
                TableColumn("value C", "Client errors (4xx)", Unit.REQUESTS_PER_SECOND),
            ),
            links=(DashboardLink("Ingest of this dataset", "ingest", label="dataset"),),
        ),
    ),
    height=TALL,
)

_CLIENTS: Final = PanelRow(
    "By client class",
    (
        timeseries(
            "Rate by client",
            "Requests per second: third parties, the probe, and requests without a valid key.",
            Unit.REQUESTS_PER_SECOND,
            PanelQuery(rate(REQUESTS, *CHOSEN, by=("client_class",)), "{{client_class}}"),
            width=6,
        ),
        timeseries(
            "Status by client",
            "Requests per second by client class and status, without 2xx and 3xx.",
            Unit.REQUESTS_PER_SECOND,
            PanelQuery(
                rate(REQUESTS, *CHOSEN, LabelMatcher("status", "2xx|3xx", "!~"), by=("client_class", "status")),
                "{{client_class}} {{status}}",
            ),
            width=6,
        ),
        timeseries(
            "Latency by client",
            "The 95th percentile of the seconds until a response starts.",
            Unit.SECONDS,
            PanelQuery(quantile(0.95, SECONDS, CLIENTS, by=("client_class",)), "p95 {{client_class}}"),
            width=6,
            thresholds=LATENCY,
        ),
        timeseries(
            "Latency percentiles",
            "Seconds until 50, 95 and 99 % of the responses started.",
            Unit.SECONDS,
            *percentiles(SECONDS, CLIENTS),
            width=6,
            thresholds=LATENCY,
        ),
    ),
    height=TALL,
)

_OUT: Final = PanelRow(
    "Output",
    (
        timeseries(
            "Records out",
            "Records per second returned in pages, by dataset.",
            Unit.RECORDS_PER_SECOND,
            PanelQuery(rate(RECORDS, DATASET, by=("dataset",)), "{{dataset}}"),
            width=6,
        ),
        timeseries(
            "Exported bytes",
            "Bytes exported per second, by dataset.",
            Unit.BYTES_PER_SECOND,
            PanelQuery(rate(EXPORT_BYTES, DATASET, by=("dataset",)), "{{dataset}}"),
            width=6,
        ),
        timeseries(
            "Exports by outcome",
            "Finished exports: complete, aborted by Andén, or abandoned by the client.",
            Unit.COUNT,
            PanelQuery(increase(EXPORTS, by=("outcome",)), "{{outcome}}"),
            width=6,
        ),
        timeseries(
            "Failed probe checks by check",
            "Failed probe checks from outside, by check.",
            Unit.COUNT,
            PanelQuery(increase(PROBE_CHECKS, LabelMatcher("outcome", "failed"), by=("check",)), "{{check}}"),
            width=6,
            thresholds=zero_expected(0.5),
        ),
    ),
    height=TALL,
)

_VIEWS: Final = PanelRow(
    "By Django view, admin included",
    (
        timeseries(
            "Rate by view",
            "Requests per second by view, admin and documentation included. Source: django-prometheus.",
            Unit.REQUESTS_PER_SECOND,
            PanelQuery(count_rate(VIEW_SECONDS, by=("view",)), "{{view}}"),
            width=6,
        ),
        timeseries(
            "Server errors by view",
            "Responses per second with status 500 and above, by view.",
            Unit.REQUESTS_PER_SECOND,
            PanelQuery(rate(VIEW_RESPONSES, LabelMatcher("status", "5..", "=~"), by=("view",)), "{{view}}"),
            width=6,
            thresholds=zero_expected(0.001),
        ),
        timeseries(
            "Unhandled exceptions by view",
            "Exceptions that no view handled: each is a bug.",
            Unit.COUNT,
            PanelQuery(increase(VIEW_EXCEPTIONS, by=("view",)), "{{view}}"),
            width=6,
            thresholds=zero_expected(0.5),
        ),
        timeseries(
            "Latency by view",
            "The 95th percentile of the request duration by view, middleware included.",
            Unit.SECONDS,
            PanelQuery(quantile(0.95, VIEW_SECONDS, by=("view",)), "p95 {{view}}"),
            width=6,
        ),
    ),
    height=TALL,
)

API: Final = Dashboard(
    "api",
    "Andén · API",
    "Does the API serve every route fast and without errors?",
    (_STATES, _ROUTES, _CLIENTS, _OUT, _VIEWS),
    variables=(
        Variable("dataset", "Dataset", series(REQUESTS), "dataset", many=True),
        Variable("client_class", "Client", series(REQUESTS), "client_class", many=True),
    ),
    links=(DashboardLink("Overview", "overview"), DATABASE, SLO),
)
