"""Fleet: which of fifty or ten thousand services is sick. Its size does not depend on theirs."""

from typing import Final

from apps.fleet.metrics import FLEET_EVALUATED, FLEET_SCORE, FLEET_SERVICES, FLEET_SHIFT
from apps.monitoring.dashboards.fleets import (
    CALM_SCORE,
    CALM_STATES,
    MULTIPLES,
    POINTS,
    SCORE,
    SHIFT,
    WORST,
    counts_by_score,
    only,
    peers,
    standing,
    worst_flagged,
    worst_of_now,
    worst_score,
)
from apps.monitoring.dashboards.model import (
    Column,
    Dashboard,
    Emphasis,
    Link,
    Panel,
    Row,
    Scale,
    Target,
    Unit,
    Variable,
    none_of,
    rising,
)
from apps.monitoring.dashboards.panels import SHORT, TALL, age, figures, state
from apps.telemetry.promql import Match, compose, level

SERVICE: Final = Link("This service", "service", pick="service")
SELF: Final = Link("Andén watches itself", "self")
STATION: Final = Link("Station", "station")

_COUNTS: Final = Row(
    "Is the fleet well?",
    (
        figures(
            "Services by state",
            "How many services are well, stand out, tell nothing, or are too new to have a past. No data is not well.",
            Unit.COUNT,
            Target(level(FLEET_SERVICES, by=("state",)), "{{state}}", instant=True),
            width=10,
            emphases=(
                Emphasis("ok", Scale("well")),
                Emphasis("outlier", none_of()),
                Emphasis("no_data", Scale("well", ((1, "watch"),))),
                Emphasis("learning", Scale("neutral")),
            ),
            links=(STATION,),
        ),
        figures(
            "The whole fleet against its usual",
            "The factor by which the whole fleet stands away from its usual of this time of day. When all move, no "
            "service is flagged for moving along: this is where it shows.",
            Unit.FACTOR,
            Target(level(FLEET_SHIFT, by=("signal",)), "{{signal}}", instant=True),
            width=11,
            scale=SHIFT,
            decimals=2,
            minimum=None,
            links=(STATION,),
        ),
        state(
            "Evaluated",
            "Seconds since the fleet was last evaluated. When this is old, everything here is.",
            age(FLEET_EVALUATED),
            Unit.SECONDS,
            rising(150, 300),
            links=(SELF,),
        ),
    ),
    height=SHORT,
)

_WORST: Final = Row(
    "Which service is sick?",
    (
        Panel(
            f"The {WORST} worst",
            "The services with the worst score, and the signal that has it. The score is a robust z against the "
            "service's own past and its peers; from about 4 on it is flagged.",
            "table",
            Unit.SCORE,
            (
                Target(
                    compose(
                        f"topk({WORST}, {{}} == on (service) group_left () {{}})",
                        level(FLEET_SCORE, by=("service", "signal")),
                        level(FLEET_SCORE, by=("service",)),  # not the recorded one, which may be older
                    ),
                    "{{service}}",
                    instant=True,
                ),
                Target(only(standing(), worst_of_now(WORST)), "{{service}}", instant=True),
                Target(only(worst_score(), worst_of_now(WORST)), "{{service}}"),
            ),
            14,
            columns=(
                Column("service", "Service"),
                Column("signal", "Signal"),
                Column("value A", "Score", Unit.SCORE, CALM_SCORE, width=90, order="down"),
                Column("value B", "State", Unit.STATE, meanings=CALM_STATES, width=90),
                Column("course", "Course of the score"),
            ),
            decimals=1,
            minimum=None,
            links=(SERVICE,),
            points=POINTS,
        ),
        Panel(
            "How scores spread",
            "How many services have which worst score. A healthy fleet is a dark band at the bottom; dots high above "
            "it are the sick ones; a band that rises is the whole fleet.",
            "heatmap",
            Unit.SCORE,
            (Target(counts_by_score(), "{{le}}"),),
            10,
        ),
    ),
    height=12,
)

_FLAGGED: Final = Row(
    "Since when?",
    (
        Panel(
            "Flagged services",
            f"Only services that stood out within the time range, the {WORST} with the worst scores: when each was "
            "flagged, and when it gave no data.",
            "timeline",
            Unit.STATE,
            (Target(only(standing(), worst_flagged(WORST)), "{{service}}"),),
            24,
            Scale("neutral", ((1, "bad"), (2, "unknown"), (3, "neutral"))),
            meanings=CALM_STATES,
            links=(SERVICE,),
            points=2 * POINTS,
        ),
    ),
    height=TALL,
)

_MULTIPLES: Final = Row(
    f"The {MULTIPLES} worst, against their peers",
    (
        Panel(
            "$worst",
            "The scores of this service's signals, and between which worst scores eight of ten services lie.",
            "lines",
            Unit.SCORE,
            (
                Target(level(FLEET_SCORE, Match("service", "$worst"), by=("signal",)), "{{signal}}"),
                peers(),
            ),
            24,
            SCORE,
            emphases=(Emphasis("peers .*"),),
            repeat="worst",
            minimum=None,
            links=(Link("Service", "service"),),
        ),
    ),
    height=TALL,
)

FLEET: Final = Dashboard(
    "fleet",
    "Andén · Fleet",
    "Which service of the fleet is sick, since when, and in which signal?",
    (_COUNTS, _WORST, _FLAGGED, _MULTIPLES),
    variables=(
        Variable("worst", "Worst services", compose(f"topk({MULTIPLES}, {{}})", worst_score()), "service", True, True),
    ),
    details=(STATION, SELF),
)
