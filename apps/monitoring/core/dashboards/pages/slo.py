"""SLO: what is left of each error budget, and how fast it burns."""

from typing import Final

from apps.monitoring.core.dashboards.model import (
    Column,
    Dashboard,
    Link,
    Panel,
    Row,
    Scale,
    Target,
    Unit,
    Variable,
    falling,
    none_of,
    rising,
)
from apps.monitoring.core.dashboards.shapes import SHORT, TALL, lines, state
from apps.monitoring.core.foreign_metrics import ALERTS
from apps.monitoring.core.promql import Match, compose, level, series
from apps.monitoring.core.slos import (
    BAD,
    BASE,
    BUDGET_LEFT,
    EVENTS,
    INGEST_LATE,
    OBJECTIVE,
    PERIOD,
    burn,
    error_ratio,
)

CHOSEN: Final = Match("slo", "$slo", "=~")
FIRING: Final = Match("alertstate", "firing")
EACH: Final = ("slo", "dataset")
BUDGET: Final = falling(0.25, 0)
FAST: Final = 14.4
SLOW: Final = 6
"""The burns that page, from Google's SRE workbook."""
STATION: Final = Link("Station", "station")

_STATES: Final = Row(
    "Are the promises kept?",
    (
        state(
            "Firing alerts",
            "Alerts that fire now. Below they stand by name.",
            compose("count({}) or vector(0)", level(ALERTS, FIRING, by=("alertname", "severity"))),
            Unit.COUNT,
            none_of(),
            width=6,
            links=(STATION,),
        ),
        state(
            "Least budget left",
            "What is left of the error budget of 30 days, of the objective that has the least.",
            level(BUDGET_LEFT, CHOSEN, aggregate="min"),
            Unit.RATIO,
            BUDGET,
            width=6,
            links=(STATION,),
        ),
        state(
            "Fastest burn, 1 h",
            "How many times faster than allowed the hungriest budget is spent. At 14.4 a month's budget is gone "
            "within two days, and somebody is woken.",
            level(burn("1h"), CHOSEN),
            Unit.FACTOR,
            rising(1, FAST),
            width=6,
            decimals=1,
            links=(STATION,),
        ),
        state(
            "Fastest burn, 6 h",
            "The same over six hours: at 6 a month's budget is gone within five days.",
            level(burn("6h"), CHOSEN),
            Unit.FACTOR,
            rising(1, SLOW),
            width=6,
            decimals=1,
            links=(STATION,),
        ),
    ),
    height=SHORT,
)


_BUDGETS: Final = Row(
    "Every objective",
    (
        Panel(
            "Objectives",
            "Each objective over 30 days: the share of bad events, the budget that is left, and the burn of the last "
            "hour and day. A burn of 1 spends exactly what is allowed.",
            "table",
            Unit.RATIO,
            (
                Target(level(BUDGET_LEFT, CHOSEN, by=EACH), "left", instant=True),
                Target(level(error_ratio(PERIOD), CHOSEN, by=EACH), "bad", instant=True),
                Target(level(burn("1h"), CHOSEN, by=EACH), "burn 1 h", instant=True),
                Target(level(burn("1d"), CHOSEN, by=EACH), "burn 1 d", instant=True),
            ),
            16,
            columns=(
                Column("slo", "Objective"),
                Column("dataset", "Dataset"),
                Column("value A", "Budget left", Unit.RATIO, BUDGET, order="up"),
                Column("value B", "Bad events", Unit.RATIO),
                Column("value C", "Burn 1 h", Unit.FACTOR, rising(1, FAST)),
                Column("value D", "Burn 1 d", Unit.FACTOR, rising(1, 3)),
            ),
            minimum=None,
            links=(Link("Ingest of this dataset", "ingest", pick="dataset"),),
        ),
        Panel(
            "Alerts now",
            "Every alert that is pending or fires, with its severity: a page wakes somebody, a ticket waits.",
            "table",
            Unit.COUNT,
            (
                Target(
                    compose(
                        "count by (alertname, severity, alertstate) ({})", series(ALERTS, Match("severity", "", "!="))
                    ),
                    "{{alertname}}",
                    instant=True,
                ),
            ),
            8,
            columns=(
                Column("alertname", "Alert"),
                Column("severity", "Severity"),
                Column("alertstate", "State"),
                Column("value", "How many", Unit.COUNT, none_of()),
            ),
            links=(STATION,),
        ),
    ),
    height=TALL,
)

_COURSES: Final = Row(
    "How budgets went",
    (
        lines(
            "Budget left",
            "What was left of the budget of the 30 days before each moment; below 0 it is overspent.",
            Unit.RATIO,
            Target(level(BUDGET_LEFT, CHOSEN, by=EACH, aggregate="min"), "{{slo}} {{dataset}}"),
            width=12,
            scale=BUDGET,
            minimum=None,
        ),
        lines(
            "Burn, 1 h",
            "How many times faster than allowed each budget is spent; from 14.4 on somebody is woken.",
            Unit.FACTOR,
            Target(level(burn("1h"), CHOSEN, by=EACH), "{{slo}} {{dataset}}"),
            width=12,
            scale=rising(SLOW, FAST),
        ),
        lines(
            "Burn, 6 h and 3 d",
            "Slower burns: what six hours and three days say. From 6 and from 1 on they alert.",
            Unit.FACTOR,
            Target(level(burn("6h"), CHOSEN, by=EACH), "6 h {{slo}} {{dataset}}"),
            Target(level(burn("3d"), CHOSEN, by=EACH), "3 d {{slo}} {{dataset}}"),
            width=12,
            scale=rising(1, SLOW),
        ),
        lines(
            "Share of bad events",
            f"The share of bad events within {BASE}, beside what each objective allows.",
            Unit.RATIO,
            Target(level(error_ratio(BASE), CHOSEN, by=EACH), "{{slo}} {{dataset}}"),
            Target(compose("1 - {}", level(OBJECTIVE, CHOSEN, by=("slo",))), "allowed: {{slo}}"),
            width=12,
            pale="allowed: .*",
        ),
        lines(
            "Events",
            "Events per second that each objective counts: a quiet objective proves little.",
            Unit.PER_SECOND,
            Target(level(EVENTS, CHOSEN, by=EACH, aggregate="sum"), "{{slo}} {{dataset}}"),
            width=8,
        ),
        lines(
            "Bad events",
            "Events per second that broke an objective.",
            Unit.PER_SECOND,
            Target(level(BAD, CHOSEN, by=EACH, aggregate="sum"), "{{slo}} {{dataset}}"),
            width=8,
        ),
        Panel(
            "Late datasets",
            "When each dataset was later than its objective allows; empty while nobody measures.",
            "timeline",
            Unit.STATE,
            (Target(level(INGEST_LATE, by=("dataset",)), "{{dataset}}"),),
            8,
            Scale("well", ((1, "bad"),)),
            links=(Link("This dataset", "ingest", pick="dataset"),),
        ),
    ),
    height=TALL,
)

SLO: Final = Dashboard(
    "slo",
    "Andén · SLO",
    "Are the promises kept, and how long will the budgets last?",
    (_STATES, _BUDGETS, _COURSES),
    variables=(Variable("slo", "Objective", series(OBJECTIVE), "slo", many=True),),
    time_from="now-7d",
    details=(STATION, Link("Ingest", "ingest"), Link("API", "api"), Link("Database", "database")),
)
