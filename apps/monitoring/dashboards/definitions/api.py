"""API: rate, errors and duration by route and by class of client."""

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
    "Are third parties served?",
    (
        stat(
            "Requests",
            "Requests per second of the last five minutes.",
            rate(REQUESTS, *CHOSEN, window=NOW),
            Unit.REQUESTS_PER_SECOND,
            width=4,
            links=(SLO,),
        ),
        stat(
            "Failed share",
            "The share of requests of the last five minutes that failed on our side (5xx). The objective is 0.1 %.",
            ratio(rate(REQUESTS, *CHOSEN, FAILED, window=NOW), rate(REQUESTS, *CHOSEN, window=NOW)),
            Unit.RATIO,
            ERRORS,
            width=4,
            links=(SLO,),
        ),
        stat(
            "Refused share",
            "The share of requests of the last five minutes that were refused (4xx): a wrong key, a wrong address, "
            "a filter that does not exist. Much of it is a client in need of help.",
            ratio(rate(REQUESTS, *CHOSEN, REFUSED, window=NOW), rate(REQUESTS, *CHOSEN, window=NOW)),
            Unit.RATIO,
            rising(0.1, 0.5),
            width=4,
            links=(SLO,),
        ),
        stat(
            "Latency p95",
            "19 of 20 answers of the last five minutes began within this time.",
            quantile(0.95, SECONDS, CLIENTS, window=NOW),
            Unit.SECONDS,
            LATENCY,
            width=4,
            links=(DATABASE,),
        ),
        stat(
            "Probe failed",
            "Checks from the outside that failed within ten minutes. No data: no probe ran.",
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
            "Probe ran",
            "Seconds since the probe last ended a round of checks. No data: it never ran.",
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
            "Requests per second by what was asked for.",
            Unit.REQUESTS_PER_SECOND,
            PanelQuery(rate(REQUESTS, *CHOSEN, by=("operation",)), "{{operation}}"),
            width=8,
        ),
        timeseries(
            "Failed share by operation",
            "The share of requests that failed on our side (5xx).",
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
            "The 95th percentile of the seconds until an answer begins.",
            Unit.SECONDS,
            PanelQuery(quantile(0.95, SECONDS, CLIENTS, by=("operation",)), "p95 {{operation}}"),
            width=8,
            thresholds=LATENCY,
            links=(DATABASE,),
        ),
        Panel(
            "Routes",
            "Each dataset and operation with its rate and its errors over the last five minutes. An empty dataset "
            "means that the key reaches none of that name.",
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
                TableColumn("value B", "Failed (5xx)", Unit.REQUESTS_PER_SECOND, zero_expected(0.001)),
                TableColumn("value C", "Refused (4xx)", Unit.REQUESTS_PER_SECOND),
            ),
            links=(DashboardLink("Ingest of this dataset", "ingest", label="dataset"),),
        ),
    ),
    height=TALL,
)

_CLIENTS: Final = PanelRow(
    "By class of client",
    (
        timeseries(
            "Rate by client",
            "Requests per second: third parties, the probe, and those without a valid key.",
            Unit.REQUESTS_PER_SECOND,
            PanelQuery(rate(REQUESTS, *CHOSEN, by=("client_class",)), "{{client_class}}"),
            width=6,
        ),
        timeseries(
            "Status by client",
            "Requests per second by class of client and status, what went well left out.",
            Unit.REQUESTS_PER_SECOND,
            PanelQuery(
                rate(REQUESTS, *CHOSEN, LabelMatcher("status", "2xx|3xx", "!~"), by=("client_class", "status")),
                "{{client_class}} {{status}}",
            ),
            width=6,
        ),
        timeseries(
            "Latency by client",
            "The 95th percentile of the seconds until an answer begins.",
            Unit.SECONDS,
            PanelQuery(quantile(0.95, SECONDS, CLIENTS, by=("client_class",)), "p95 {{client_class}}"),
            width=6,
            thresholds=LATENCY,
        ),
        timeseries(
            "Latency of all",
            "How long half, 19 of 20 and 99 of 100 of the answers took to begin.",
            Unit.SECONDS,
            *percentiles(SECONDS, CLIENTS),
            width=6,
            thresholds=LATENCY,
        ),
    ),
    height=TALL,
)

_OUT: Final = PanelRow(
    "What leaves",
    (
        timeseries(
            "Records out",
            "Records per second given out in pages, by dataset.",
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
            "Exports by end",
            "Exports that ended: whole, broken off by us, or left by the client.",
            Unit.COUNT,
            PanelQuery(increase(EXPORTS, by=("outcome",)), "{{outcome}}"),
            width=6,
        ),
        timeseries(
            "Probe's checks",
            "The probe's checks from the outside, by check, of those that failed.",
            Unit.COUNT,
            PanelQuery(increase(PROBE_CHECKS, LabelMatcher("outcome", "failed"), by=("check",)), "{{check}}"),
            width=6,
            thresholds=zero_expected(0.5),
        ),
    ),
    height=TALL,
)

_VIEWS: Final = PanelRow(
    "By view of Django, admin included",
    (
        timeseries(
            "Rate by view",
            "Requests per second by view, from django-prometheus: the admin and the documents, too.",
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
            "Uncaught exceptions by view",
            "Exceptions that no view caught: each is a defect.",
            Unit.COUNT,
            PanelQuery(increase(VIEW_EXCEPTIONS, by=("view",)), "{{view}}"),
            width=6,
            thresholds=zero_expected(0.5),
        ),
        timeseries(
            "Latency by view",
            "The 95th percentile of a whole request by view, from the first middleware to the last.",
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
    "Are third parties served, quickly and without errors, on every route?",
    (_STATES, _ROUTES, _CLIENTS, _OUT, _VIEWS),
    variables=(
        Variable("dataset", "Dataset", series(REQUESTS), "dataset", many=True),
        Variable("client_class", "Client", series(REQUESTS), "client_class", many=True),
    ),
    links=(DashboardLink("Overview", "overview"), DATABASE, SLO),
)
