"""Service: one service of the fleet, against itself and against its peers."""

from typing import Final

from apps.fleet.engine.signals import SIGNALS, Signal
from apps.fleet.metrics import FLEET_EVALUATED, FLEET_SCORE, FLEET_STATE
from apps.monitoring.alerts.fleet_recordings import WORST_SCORE
from apps.monitoring.dashboards.fleets import SCORE, STATES, peers, worst_score
from apps.monitoring.dashboards.model import Dashboard, Link, Panel, Row, Scale, Target, Unit, Variable, rising
from apps.monitoring.dashboards.panels import SHORT, TALL, age, figures, lines, state
from apps.monitoring.third_party_metrics import POD_CPU, POD_LIMIT, POD_MEMORY, POD_RESTARTS
from apps.telemetry.promql import Match, compose, increase, level, rate, series

THIS: Final = Match("service", "$service")
PODS: Final = Match("pod", "$service-.*", "=~")
REAL: Final = Match("container", "", "!=")
FLEET: Final = Link("Fleet", "fleet")
SELF: Final = Link("Andén watches itself", "self")
OFFSETS: Final = (("1d", "a day before"), ("1w", "a week before"))

_STATES: Final = Row(
    "How does it stand?",
    (
        state(
            "State",
            "What the last evaluation says: ok, outlier, no data, learning while it is too new to have a past, or "
            "with its zone where it merely moves as the others of its zone do.",
            level(FLEET_STATE, THIS),
            Unit.STATE,
            meanings=STATES,
            links=(FLEET,),
        ),
        state(
            "Worst score",
            "Its worst score of all signals; from about 4 on it is flagged.",
            level(FLEET_SCORE, THIS),
            Unit.SCORE,
            SCORE,
            decimals=1,
            minimum=None,
            links=(FLEET,),
        ),
        state(
            "Place in the fleet",
            "How many services have a worse score, plus one: 1 is the sickest.",
            compose(
                "((count({} > scalar({})) or vector(0)) + 1) and on () {}",
                worst_score(),
                level(WORST_SCORE, THIS),
                level(WORST_SCORE, THIS),
            ),
            Unit.COUNT,
            decimals=0,
            links=(FLEET,),
        ),
        figures(
            "Score by signal",
            "How far each signal stands from its own usual and its peers. A signal that is not here has no data.",
            Unit.SCORE,
            Target(level(FLEET_SCORE, THIS, by=("signal",)), "{{signal}}", instant=True),
            width=12,
            scale=SCORE,
            decimals=1,
            minimum=None,
            links=(FLEET,),
        ),
        state(
            "Evaluated",
            "Seconds since the fleet was last evaluated.",
            age(FLEET_EVALUATED),
            Unit.SECONDS,
            rising(150, 300),
            links=(SELF,),
        ),
    ),
    height=SHORT,
)


def _against_peers(signal: Signal) -> Panel:
    """One signal of the service between those of its peers."""
    here = Match("signal", signal.name)
    return lines(
        signal.title,
        f"How far {signal.phrase} stands from its own usual, as a robust z; behind it the peers: eight of ten lie "
        "between p10 and p90.",
        Unit.SCORE,
        Target(level(FLEET_SCORE, THIS, here), "this service"),
        peers(signal.name),
        width=8,
        scale=SCORE,
        pale="peers .*",
        minimum=None,
    )


_PEERS: Final = Row("Against its peers", tuple(_against_peers(signal) for signal in SIGNALS), height=8)

_PAST: Final = Row(
    "Against itself",
    (
        lines(
            "Worst score, now and before",
            "Its worst score beside that of the same time a day and a week before.",
            Unit.SCORE,
            Target(level(FLEET_SCORE, THIS), "now"),
            *(
                Target(compose(f"max({{}} offset {offset})", series(FLEET_SCORE, THIS)), name)
                for offset, name in OFFSETS
            ),
            width=12,
            scale=SCORE,
            pale=".* before",
            minimum=None,
        ),
        Panel(
            "States",
            "When it was well, stood out, or gave no data.",
            "timeline",
            Unit.STATE,
            (Target(level(FLEET_STATE, THIS, by=("service",)), "{{service}}"),),
            12,
            Scale("well", ((1, "bad"), (2, "unknown"), (3, "neutral"), (4, "watch"))),
            meanings=STATES,
            links=(FLEET,),
        ),
    ),
    height=TALL,
)


def _of_limit(resource: str) -> Match:
    return Match("resource", resource)


_PODS: Final = Row(
    "Its pods, where it runs in this cluster under its own name",
    (
        lines(
            "CPU of the limit",
            "CPU that each pod uses, of what it may use. Empty where pods have no limit or are named otherwise.",
            Unit.RATIO,
            Target(
                compose(
                    "{} / {}",
                    rate(POD_CPU, PODS, REAL, by=("pod",)),
                    level(POD_LIMIT, PODS, _of_limit("cpu"), by=("pod",), aggregate="sum"),
                ),
                "{{pod}}",
            ),
            width=8,
            scale=rising(0.7, 0.9),
        ),
        lines(
            "Memory of the limit",
            "Memory that each pod uses, of what it may use: at 100 % the kernel ends it.",
            Unit.RATIO,
            Target(
                compose(
                    "{} / {}",
                    level(POD_MEMORY, PODS, REAL, by=("pod",), aggregate="sum"),
                    level(POD_LIMIT, PODS, _of_limit("memory"), by=("pod",), aggregate="sum"),
                ),
                "{{pod}}",
            ),
            width=8,
            scale=rising(0.8, 0.95),
        ),
        lines(
            "Restarts",
            "Containers that were started again, by pod.",
            Unit.COUNT,
            Target(increase(POD_RESTARTS, PODS, by=("pod",)), "{{pod}}"),
            width=8,
            scale=rising(0.5, 3),
        ),
    ),
    height=TALL,
)

SERVICE: Final = Dashboard(
    "service",
    "Andén · Service",
    "How does one service stand against itself and against its peers?",
    (_STATES, _PEERS, _PAST, _PODS),
    variables=(Variable("service", "Service", series(FLEET_STATE), "service"),),
    details=(FLEET, Link("Station", "station")),
)
