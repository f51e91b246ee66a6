"""SLO: what is left of each error budget, and how fast it burns."""

from typing import Final

from apps.monitoring.alerts.burn import WINDOW_PAIRS, WindowPair
from apps.monitoring.alerts.slos import (
    BAD,
    BASE,
    BUDGET_REMAINING,
    EVENTS,
    INGEST_LATE,
    OBJECTIVE,
    PERIOD,
    burn,
    error_ratio,
)
from apps.monitoring.dashboards.model import (
    Dashboard,
    DashboardLink,
    Panel,
    PanelQuery,
    PanelRow,
    TableColumn,
    Thresholds,
    Unit,
    Variable,
    falling,
    rising,
    zero_expected,
)
from apps.monitoring.dashboards.panels import SHORT, TALL, stat, timeseries
from apps.monitoring.third_party_metrics import ALERTS
from apps.telemetry.promql import LabelMatcher, compose, level, series

CHOSEN: Final = LabelMatcher("slo", "$slo", "=~")
FIRING: Final = LabelMatcher("alertstate", "firing")
EACH: Final = ("slo", "dataset")
BUDGET: Final = falling(0.25, 0)
OVERVIEW: Final = DashboardLink("Overview", "overview")


def _hungry(pair: WindowPair) -> Thresholds:
    """Well while a budget lasts its thirty days, bad from where the pair alerts on."""
    return rising(1, pair.factor) if pair.factor > 1 else zero_expected(1)


def _fastest(pair: WindowPair) -> Panel:
    return stat(
        f"Fastest burn, {pair.long}",
        f"How many times faster than allowed the hungriest budget is spent. At {pair.factor:g} the budget of 30 days "
        f"is gone within {30 / pair.factor:.0f} days, and that is a {pair.severity}.",
        level(burn(pair.long), CHOSEN),
        Unit.FACTOR,
        _hungry(pair),
        width=4,
        decimals=1,
        links=(OVERVIEW,),
    )


def _burning(pair: WindowPair) -> Panel:
    return timeseries(
        f"Burn, {pair.long} and {pair.short}",
        f"How many times faster than allowed each budget is spent; when both windows are above {pair.factor:g}, "
        f"that is a {pair.severity}.",
        Unit.FACTOR,
        PanelQuery(level(burn(pair.long), CHOSEN, by=EACH), f"{pair.long} {{{{slo}}}} {{{{dataset}}}}"),
        PanelQuery(level(burn(pair.short), CHOSEN, by=EACH), f"{pair.short} {{{{slo}}}} {{{{dataset}}}}"),
        width=12,
        thresholds=_hungry(pair),
        dimmed=f"{pair.short} .*",
    )


_STATES: Final = PanelRow(
    "Are the promises kept?",
    (
        stat(
            "Firing alerts",
            "Alerts that fire now. Below they stand by name.",
            compose("count({}) or vector(0)", level(ALERTS, FIRING, by=("alertname", "severity"))),
            Unit.COUNT,
            zero_expected(),
            width=4,
            links=(OVERVIEW,),
        ),
        stat(
            "Least budget left",
            "What is left of the error budget of 30 days, of the objective that has the least.",
            level(BUDGET_REMAINING, CHOSEN, aggregate="min"),
            Unit.RATIO,
            BUDGET,
            width=4,
            links=(OVERVIEW,),
        ),
        *(_fastest(pair) for pair in WINDOW_PAIRS),
    ),
    height=SHORT,
)


_BUDGETS: Final = PanelRow(
    "Every objective",
    (
        Panel(
            "Objectives",
            "Each objective over 30 days: the share of bad events, the budget that is left, and how fast it "
            "burns. A burn of 1 spends exactly what is allowed.",
            "table",
            Unit.RATIO,
            (
                PanelQuery(level(BUDGET_REMAINING, CHOSEN, by=EACH), "left", instant=True),
                PanelQuery(level(error_ratio(PERIOD), CHOSEN, by=EACH), "critical", instant=True),
                *(
                    PanelQuery(level(burn(pair.long), CHOSEN, by=EACH), f"burn {pair.long}", instant=True)
                    for pair in WINDOW_PAIRS
                ),
            ),
            16,
            columns=(
                TableColumn("slo", "Objective"),
                TableColumn("dataset", "Dataset"),
                TableColumn("value A", "Budget left", Unit.RATIO, BUDGET, order="up"),
                TableColumn("value B", "Bad events", Unit.RATIO),
                *(
                    TableColumn(f"value {letter}", f"Burn {pair.long}", Unit.FACTOR, _hungry(pair), width=95)
                    for letter, pair in zip("CDEF", WINDOW_PAIRS, strict=True)
                ),
            ),
            minimum=None,
            links=(DashboardLink("Ingest of this dataset", "ingest", label="dataset"),),
        ),
        Panel(
            "Alerts now",
            "Every alert that is pending or fires, with its severity: a page wakes somebody, a ticket waits.",
            "table",
            Unit.COUNT,
            (
                PanelQuery(
                    compose(
                        "count by (alertname, severity, alertstate) ({})",
                        series(ALERTS, LabelMatcher("severity", "", "!=")),
                    ),
                    "{{alertname}}",
                    instant=True,
                ),
            ),
            8,
            columns=(
                TableColumn("alertname", "Alert"),
                TableColumn("severity", "Severity"),
                TableColumn("alertstate", "State"),
                TableColumn("value", "How many", Unit.COUNT),
            ),
            links=(OVERVIEW,),
        ),
    ),
    height=TALL,
)

_BURNS: Final = PanelRow("How fast they burn", tuple(_burning(pair) for pair in WINDOW_PAIRS), height=TALL)

_COURSES: Final = PanelRow(
    "How budgets went",
    (
        timeseries(
            "Budget left",
            "What was left of the budget of the 30 days before each moment; below 0 it is overspent.",
            Unit.RATIO,
            PanelQuery(level(BUDGET_REMAINING, CHOSEN, by=EACH, aggregate="min"), "{{slo}} {{dataset}}"),
            width=12,
            thresholds=BUDGET,
            minimum=None,
        ),
        timeseries(
            "Share of bad events",
            f"The share of bad events within {BASE}, beside what each objective allows.",
            Unit.RATIO,
            PanelQuery(level(error_ratio(BASE), CHOSEN, by=EACH), "{{slo}} {{dataset}}"),
            PanelQuery(compose("1 - {}", level(OBJECTIVE, CHOSEN, by=("slo",))), "allowed: {{slo}}"),
            width=12,
            dimmed="allowed: .*",
        ),
        timeseries(
            "Events",
            "Events per second that each objective counts: a quiet objective proves little.",
            Unit.PER_SECOND,
            PanelQuery(level(EVENTS, CHOSEN, by=EACH, aggregate="sum"), "{{slo}} {{dataset}}"),
            width=8,
        ),
        timeseries(
            "Bad events",
            "Events per second that broke an objective.",
            Unit.PER_SECOND,
            PanelQuery(level(BAD, CHOSEN, by=EACH, aggregate="sum"), "{{slo}} {{dataset}}"),
            width=8,
        ),
        Panel(
            "Late datasets",
            "When each dataset was later than its objective allows; empty while nobody measures.",
            "timeline",
            Unit.STATE,
            (PanelQuery(level(INGEST_LATE, by=("dataset",)), "{{dataset}}"),),
            8,
            Thresholds("ok", ((1, "critical"),)),
            links=(DashboardLink("This dataset", "ingest", label="dataset"),),
        ),
    ),
    height=TALL,
)

SLO: Final = Dashboard(
    "slo",
    "Andén · SLO",
    "Are the promises kept, and how long will the budgets last?",
    (_STATES, _BUDGETS, _BURNS, _COURSES),
    variables=(Variable("slo", "Objective", series(OBJECTIVE), "slo", many=True),),
    time_from="now-7d",
    links=(
        OVERVIEW,
        DashboardLink("Ingest", "ingest"),
        DashboardLink("API", "api"),
        DashboardLink("Database", "database"),
    ),
)
