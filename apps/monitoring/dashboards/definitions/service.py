"""Service: one service of the fleet, against itself and against its peers."""

from typing import Final

from apps.fleet.engine.signals import SIGNALS, ServiceSignal
from apps.fleet.metrics import FLEET_LAST_EVALUATION, FLEET_SCORE, FLEET_STATE
from apps.monitoring.alerts.fleet_recordings import WORST_SCORE
from apps.monitoring.dashboards.fleet_queries import SCORE, STATES, peers, worst_score
from apps.monitoring.dashboards.model import (
    Dashboard,
    DashboardLink,
    Panel,
    PanelQuery,
    PanelRow,
    Thresholds,
    Unit,
    Variable,
    rising,
)
from apps.monitoring.dashboards.panels import SHORT, TALL, seconds_since, stat, stats, timeseries
from apps.monitoring.third_party_metrics import POD_CPU, POD_LIMIT, POD_MEMORY, POD_RESTARTS
from apps.telemetry.promql import LabelMatcher, compose, increase, level, rate, series

THIS: Final = LabelMatcher("service", "$service")
PODS: Final = LabelMatcher("pod", "$service-.*", "=~")
REAL: Final = LabelMatcher("container", "", "!=")
FLEET: Final = DashboardLink("Fleet", "fleet")
SELF: Final = DashboardLink("Andén watches itself", "self")
OFFSETS: Final = (("1d", "a day before"), ("1w", "a week before"))

_STATES: Final = PanelRow(
    "How does it stand?",
    (
        stat(
            "State",
            "What the last evaluation says: ok, outlier, no data, learning while it is too new to have a past, or "
            "with its zone where it merely moves as the others of its zone do.",
            level(FLEET_STATE, THIS),
            Unit.STATE,
            value_mappings=STATES,
            links=(FLEET,),
        ),
        stat(
            "Worst score",
            "Its worst score of all signals; from about 4 on it is flagged.",
            level(FLEET_SCORE, THIS),
            Unit.SCORE,
            SCORE,
            decimals=1,
            minimum=None,
            links=(FLEET,),
        ),
        stat(
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
        stats(
            "Score by signal",
            "How far each signal stands from its own usual and its peers. A signal that is not here has no data.",
            Unit.SCORE,
            PanelQuery(level(FLEET_SCORE, THIS, by=("signal",)), "{{signal}}", instant=True),
            width=12,
            thresholds=SCORE,
            decimals=1,
            minimum=None,
            links=(FLEET,),
        ),
        stat(
            "Evaluated",
            "Seconds since the fleet was last evaluated.",
            seconds_since(FLEET_LAST_EVALUATION),
            Unit.SECONDS,
            rising(150, 300),
            links=(SELF,),
        ),
    ),
    height=SHORT,
)


def _against_peers(signal: ServiceSignal) -> Panel:
    """One signal of the service between those of its peers."""
    here = LabelMatcher("signal", signal.name)
    return timeseries(
        signal.title,
        f"How far {signal.phrase} stands from its own usual, as a robust z; behind it the peers: eight of ten lie "
        "between p10 and p90.",
        Unit.SCORE,
        PanelQuery(level(FLEET_SCORE, THIS, here), "this service"),
        peers(signal.name),
        width=8,
        thresholds=SCORE,
        dimmed="peers .*",
        minimum=None,
    )


_PEERS: Final = PanelRow("Against its peers", tuple(_against_peers(signal) for signal in SIGNALS), height=8)

_PAST: Final = PanelRow(
    "Against itself",
    (
        timeseries(
            "Worst score, now and before",
            "Its worst score beside that of the same time a day and a week before.",
            Unit.SCORE,
            PanelQuery(level(FLEET_SCORE, THIS), "now"),
            *(
                PanelQuery(compose(f"max({{}} offset {offset})", series(FLEET_SCORE, THIS)), name)
                for offset, name in OFFSETS
            ),
            width=12,
            thresholds=SCORE,
            dimmed=".* before",
            minimum=None,
        ),
        Panel(
            "States",
            "When it was well, stood out, or gave no data.",
            "timeline",
            Unit.STATE,
            (PanelQuery(level(FLEET_STATE, THIS, by=("service",)), "{{service}}"),),
            12,
            Thresholds("ok", ((1, "critical"), (2, "unknown"), (3, "neutral"), (4, "warning"))),
            value_mappings=STATES,
            links=(FLEET,),
        ),
    ),
    height=TALL,
)


def _of_limit(resource: str) -> LabelMatcher:
    return LabelMatcher("resource", resource)


_PODS: Final = PanelRow(
    "Its pods, where it runs in this cluster under its own name",
    (
        timeseries(
            "CPU of the limit",
            "CPU that each pod uses, of what it may use. Empty where pods have no limit or are named otherwise.",
            Unit.RATIO,
            PanelQuery(
                compose(
                    "{} / {}",
                    rate(POD_CPU, PODS, REAL, by=("pod",)),
                    level(POD_LIMIT, PODS, _of_limit("cpu"), by=("pod",), aggregate="sum"),
                ),
                "{{pod}}",
            ),
            width=8,
            thresholds=rising(0.7, 0.9),
        ),
        timeseries(
            "Memory of the limit",
            "Memory that each pod uses, of what it may use: at 100 % the kernel ends it.",
            Unit.RATIO,
            PanelQuery(
                compose(
                    "{} / {}",
                    level(POD_MEMORY, PODS, REAL, by=("pod",), aggregate="sum"),
                    level(POD_LIMIT, PODS, _of_limit("memory"), by=("pod",), aggregate="sum"),
                ),
                "{{pod}}",
            ),
            width=8,
            thresholds=rising(0.8, 0.95),
        ),
        timeseries(
            "Restarts",
            "Containers that were started again, by pod.",
            Unit.COUNT,
            PanelQuery(increase(POD_RESTARTS, PODS, by=("pod",)), "{{pod}}"),
            width=8,
            thresholds=rising(0.5, 3),
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
    links=(FLEET, DashboardLink("Overview", "overview")),
)
