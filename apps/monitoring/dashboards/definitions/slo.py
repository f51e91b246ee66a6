"""SLO: the remaining error budgets, and how fast they burn."""

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


def _burn_thresholds(pair: WindowPair) -> Thresholds:
    """OK while a budget lasts thirty days, critical from the factor at which the pair alerts."""
    return rising(1, pair.factor) if pair.factor > 1 else zero_expected(1)


def _fastest(pair: WindowPair) -> Panel:
    return stat(
        f"Highest burn rate, {pair.long}",
        f"The highest burn rate of all objectives. At {pair.factor:g} a 30-day budget lasts "
        f"{30 / pair.factor:.0f} days, which is a {pair.severity}.",
        level(burn(pair.long), CHOSEN),
        Unit.FACTOR,
        _burn_thresholds(pair),
        width=4,
        decimals=1,
        links=(OVERVIEW,),
    )


def _burning(pair: WindowPair) -> Panel:
    return timeseries(
        f"Burn rate, {pair.long} and {pair.short}",
        f"How many times faster than allowed each budget burns. Both windows above {pair.factor:g}: "
        f"a {pair.severity}.",
        Unit.FACTOR,
        PanelQuery(level(burn(pair.long), CHOSEN, by=EACH), f"{pair.long} {{{{slo}}}} {{{{dataset}}}}"),
        PanelQuery(level(burn(pair.short), CHOSEN, by=EACH), f"{pair.short} {{{{slo}}}} {{{{dataset}}}}"),
        width=12,
        thresholds=_burn_thresholds(pair),
        dimmed=f"{pair.short} .*",
    )


_STATES: Final = PanelRow(
    "Are the objectives met?",
    (
        stat(
            "Firing alerts",
            "Alerts firing now; the table below lists them.",
            compose("count({}) or vector(0)", level(ALERTS, FIRING, by=("alertname", "severity"))),
            Unit.COUNT,
            zero_expected(),
            width=4,
            links=(OVERVIEW,),
        ),
        stat(
            "Lowest budget remaining",
            "The lowest remaining 30-day error budget of all objectives.",
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
    "All objectives",
    (
        Panel(
            "Objectives",
            "Each objective over 30 days: remaining budget, share of bad events, and burn rates. A burn rate of 1 "
            "spends exactly the budget.",
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
                TableColumn("value A", "Budget remaining", Unit.RATIO, BUDGET, order="up"),
                TableColumn("value B", "Bad events", Unit.RATIO),
                *(
                    TableColumn(f"value {letter}", f"Burn {pair.long}", Unit.FACTOR, _burn_thresholds(pair), width=95)
                    for letter, pair in zip("CDEF", WINDOW_PAIRS, strict=True)
                ),
            ),
            minimum=None,
            links=(DashboardLink("Ingest of this dataset", "ingest", label="dataset"),),
        ),
        Panel(
            "Active alerts",
            "Every pending or firing alert, with its severity: a page wakes someone up, a ticket waits.",
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
                TableColumn("value", "Count", Unit.COUNT),
            ),
            links=(OVERVIEW,),
        ),
    ),
    height=TALL,
)

_BURNS: Final = PanelRow("Burn rates", tuple(_burning(pair) for pair in WINDOW_PAIRS), height=TALL)

_COURSES: Final = PanelRow(
    "Budgets over time",
    (
        timeseries(
            "Budget remaining",
            "The remaining budget of the previous 30 days at each point; below 0 is overspent.",
            Unit.RATIO,
            PanelQuery(level(BUDGET_REMAINING, CHOSEN, by=EACH, aggregate="min"), "{{slo}} {{dataset}}"),
            width=12,
            thresholds=BUDGET,
            minimum=None,
        ),
        timeseries(
            "Share of bad events",
            f"The share of bad events within {BASE}, compared with what each objective allows.",
            Unit.RATIO,
            PanelQuery(level(error_ratio(BASE), CHOSEN, by=EACH), "{{slo}} {{dataset}}"),
            PanelQuery(compose("1 - {}", level(OBJECTIVE, CHOSEN, by=("slo",))), "allowed: {{slo}}"),
            width=12,
            dimmed="allowed: .*",
        ),
        timeseries(
            "Events",
            "Events per second that each objective counts: few events prove little.",
            Unit.PER_SECOND,
            PanelQuery(level(EVENTS, CHOSEN, by=EACH, aggregate="sum"), "{{slo}} {{dataset}}"),
            width=8,
        ),
        timeseries(
            "Bad events",
            "Bad events per second, by objective.",
            Unit.PER_SECOND,
            PanelQuery(level(BAD, CHOSEN, by=EACH, aggregate="sum"), "{{slo}} {{dataset}}"),
            width=8,
        ),
        Panel(
            "Late datasets",
            "When each dataset was later than its objective allows; empty while lag is not measured.",
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
    "Are the objectives met, and how long will the error budgets last?",
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
