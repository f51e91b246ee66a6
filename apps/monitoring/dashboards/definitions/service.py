"""Service: one service of the fleet, compared with its own baseline and its peers."""

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
SELF: Final = DashboardLink("Self-monitoring", "self")
OFFSETS: Final = (("1d", "a day earlier"), ("1w", "a week earlier"))

_STATES: Final = PanelRow(
    "Is it healthy?",
    (
        stat(
            "State",
            "The result of the last evaluation: ok, outlier, no data, learning (too new for a baseline), or with its "
            "zone (it deviates just like the other services of its zone).",
            level(FLEET_STATE, THIS),
            Unit.STATE,
            value_mappings=STATES,
            links=(FLEET,),
        ),
        stat(
            "Worst score",
            "The worst score of all its signals; from about 4 it is flagged.",
            level(FLEET_SCORE, THIS),
            Unit.SCORE,
            SCORE,
            decimals=1,
            minimum=None,
            links=(FLEET,),
        ),
        stat(
            "Rank in the fleet",
            "Number of services with a worse score, plus one: 1 is the worst.",
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
            "How far each signal deviates from its own baseline and its peers. A missing signal has no data.",
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
    """One signal of the service, with the range of its peers."""
    here = LabelMatcher("signal", signal.name)
    return timeseries(
        signal.title,
        f"How far {signal.phrase} deviates from its own baseline, as a robust z-score; in grey the peers: eight in "
        "ten are between p10 and p90.",
        Unit.SCORE,
        PanelQuery(level(FLEET_SCORE, THIS, here), "this service"),
        peers(signal.name),
        width=8,
        thresholds=SCORE,
        dimmed="peers .*",
        minimum=None,
    )


_PEERS: Final = PanelRow("Compared with its peers", tuple(_against_peers(signal) for signal in SIGNALS), height=8)

_PAST: Final = PanelRow(
    "Compared with its own past",
    (
        timeseries(
            "Worst score, now and earlier",
            "Its worst score compared with the same time a day and a week earlier.",
            Unit.SCORE,
            PanelQuery(level(FLEET_SCORE, THIS), "now"),
            *(
                PanelQuery(compose(f"max({{}} offset {offset})", series(FLEET_SCORE, THIS)), name)
                for offset, name in OFFSETS
            ),
            width=12,
            thresholds=SCORE,
            dimmed=".* earlier",
            minimum=None,
        ),
        Panel(
            "States",
            "When it was healthy, an outlier, or without data.",
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
    "Its pods, if it runs in this cluster under its own name",
    (
        timeseries(
            "CPU, share of limit",
            "CPU usage of each pod as a share of its limit. Empty if pods have no limit or another name.",
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
            "Memory, share of limit",
            "Memory usage of each pod as a share of its limit: at 100 % the kernel kills it.",
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
            "Container restarts, by pod.",
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
    "How does one service compare with its own baseline and its peers?",
    (_STATES, _PEERS, _PAST, _PODS),
    variables=(Variable("service", "Service", series(FLEET_STATE), "service"),),
    links=(FLEET, DashboardLink("Overview", "overview")),
)
