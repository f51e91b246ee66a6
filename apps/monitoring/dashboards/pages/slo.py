"""SLO: what is left of each error budget, and how fast it burns."""

from typing import Final

from apps.monitoring.alerts.burn import PAIRS, Pair
from apps.monitoring.alerts.slos import (
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
from apps.monitoring.dashboards.model import (
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
from apps.monitoring.dashboards.panels import SHORT, TALL, lines, state
from apps.monitoring.third_party_metrics import ALERTS
from apps.telemetry.promql import Match, compose, level, series

CHOSEN: Final = Match("slo", "$slo", "=~")
FIRING: Final = Match("alertstate", "firing")
EACH: Final = ("slo", "dataset")
BUDGET: Final = falling(0.25, 0)
STATION: Final = Link("Station", "station")


def _hungry(pair: Pair) -> Scale:
    """Well while a budget lasts its thirty days, bad from where the pair alerts on."""
    return rising(1, pair.factor) if pair.factor > 1 else none_of(1)


def _fastest(pair: Pair) -> Panel:
    return state(
        f"Fastest burn, {pair.long}",
        f"How many times faster than allowed the hungriest budget is spent. At {pair.factor:g} the budget of 30 days "
        f"is gone within {30 / pair.factor:.0f} days, and that is a {pair.severity}.",
        level(burn(pair.long), CHOSEN),
        Unit.FACTOR,
        _hungry(pair),
        width=4,
        decimals=1,
        links=(STATION,),
    )


def _burning(pair: Pair) -> Panel:
    return lines(
        f"Burn, {pair.long} and {pair.short}",
        f"How many times faster than allowed each budget is spent; when both windows are above {pair.factor:g}, "
        f"that is a {pair.severity}.",
        Unit.FACTOR,
        Target(level(burn(pair.long), CHOSEN, by=EACH), f"{pair.long} {{{{slo}}}} {{{{dataset}}}}"),
        Target(level(burn(pair.short), CHOSEN, by=EACH), f"{pair.short} {{{{slo}}}} {{{{dataset}}}}"),
        width=12,
        scale=_hungry(pair),
        pale=f"{pair.short} .*",
    )


_STATES: Final = Row(
    "Are the promises kept?",
    (
        state(
            "Firing alerts",
            "Alerts that fire now. Below they stand by name.",
            compose("count({}) or vector(0)", level(ALERTS, FIRING, by=("alertname", "severity"))),
            Unit.COUNT,
            none_of(),
            width=4,
            links=(STATION,),
        ),
        state(
            "Least budget left",
            "What is left of the error budget of 30 days, of the objective that has the least.",
            level(BUDGET_LEFT, CHOSEN, aggregate="min"),
            Unit.RATIO,
            BUDGET,
            width=4,
            links=(STATION,),
        ),
        *(_fastest(pair) for pair in PAIRS),
    ),
    height=SHORT,
)


_BUDGETS: Final = Row(
    "Every objective",
    (
        Panel(
            "Objectives",
            "Each objective over 30 days: the share of bad events, the budget that is left, and how fast it "
            "burns. A burn of 1 spends exactly what is allowed.",
            "table",
            Unit.RATIO,
            (
                Target(level(BUDGET_LEFT, CHOSEN, by=EACH), "left", instant=True),
                Target(level(error_ratio(PERIOD), CHOSEN, by=EACH), "bad", instant=True),
                *(
                    Target(level(burn(pair.long), CHOSEN, by=EACH), f"burn {pair.long}", instant=True)
                    for pair in PAIRS
                ),
            ),
            16,
            columns=(
                Column("slo", "Objective"),
                Column("dataset", "Dataset"),
                Column("value A", "Budget left", Unit.RATIO, BUDGET, order="up"),
                Column("value B", "Bad events", Unit.RATIO),
                *(
                    Column(f"value {letter}", f"Burn {pair.long}", Unit.FACTOR, _hungry(pair), width=95)
                    for letter, pair in zip("CDEF", PAIRS, strict=True)
                ),
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
                Column("value", "How many", Unit.COUNT),
            ),
            links=(STATION,),
        ),
    ),
    height=TALL,
)

_BURNS: Final = Row("How fast they burn", tuple(_burning(pair) for pair in PAIRS), height=TALL)

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
    (_STATES, _BUDGETS, _BURNS, _COURSES),
    variables=(Variable("slo", "Objective", series(OBJECTIVE), "slo", many=True),),
    time_from="now-7d",
    details=(STATION, Link("Ingest", "ingest"), Link("API", "api"), Link("Database", "database")),
)
