"""What the pages of the fleet share: how scores and states are read, and what they mean."""

from typing import Final

from apps.fleet.metrics import FLEET_STATE
from apps.monitoring.alerts.fleet_recordings import PEERS, SERVICES_UP_TO, WORST_SCORE
from apps.monitoring.alerts.fleet_recordings import WORST as ALL_SIGNALS
from apps.monitoring.dashboards.model import PanelQuery, Thresholds, ValueMapping, rising
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, level, series

WORST: Final = 20
"""Rows of the ranked table, and of the state timeline: more cannot be read."""
SMALL_MULTIPLES: Final = 6
"""Services that get a small picture of their own."""
SCORE: Final = rising(2.5, 4)
"""From about 4 on a signal is flagged; the engine asks for a little more in larger fleets."""
SHIFT: Final = Thresholds("critical", ((0.625, "warning"), (0.8, "ok"), (1.25, "warning"), (1.6, "critical")))
"""The whole fleet may move by a quarter; from a factor of 1.6, up or down, something happened to all of it."""
STATES: Final = (
    ValueMapping(0, "ok", "ok"),
    ValueMapping(1, "outlier", "critical"),
    ValueMapping(2, "no data", "unknown"),
    ValueMapping(3, "learning", "neutral"),
    ValueMapping(4, "with its zone", "warning"),
)
MUTED_SCORE: Final = Thresholds("neutral", SCORE.steps)
MUTED_STATES: Final = (ValueMapping(0, "ok", "neutral"), *STATES[1:])
"""Where many services stand side by side, what is well is grey, so that the sick ones stand out."""
OUTLIER: Final = 1
STEP: Final = "5m"
"""How finely the past is searched for flags."""
POINTS: Final = 60
"""Moments at which all services are looked at: more would only be slow."""


def worst_score(*where: LabelMatcher) -> PromqlQuery:
    """Each service's worst score over its signals."""
    return level(WORST_SCORE, *where, by=("service",))


def service_states() -> PromqlQuery:
    """Each service's state."""
    return level(FLEET_STATE, by=("service",))


def worst_of_now(count: int) -> PromqlQuery:
    """The services with the worst scores at the end of the time range: the same ones at every moment of it."""
    return compose(f"topk({count}, max by (service) ({{}} @ end()))", series(WORST_SCORE))


def worst_flagged(count: int) -> PromqlQuery:
    """The services that were flagged within the time range, those with the worst scores of it."""
    return compose(
        f"topk({count}, max by (service) (max_over_time({{}}[$__range] @ end()))"
        # Between two steps nothing is seen, so what is flagged at the end counts, too.
        f" and on (service) max by (service) (max_over_time(({{}} == {OUTLIER})[$__range:{STEP}] @ end())"
        f" or {{}} @ end() == {OUTLIER}))",
        series(WORST_SCORE),
        series(FLEET_STATE),
        series(FLEET_STATE),
    )


def only(query: PromqlQuery, services: PromqlQuery) -> PromqlQuery:
    """The query's series of these services alone."""
    return compose("{} and on (service) {}", query, services)


def peers(signal: str = ALL_SIGNALS) -> PanelQuery:
    """Between which scores eight of ten services lie, and the middle one."""
    return PanelQuery(level(PEERS, LabelMatcher("signal", signal), by=("band",)), "peers {{band}}")


def counts_by_score() -> PromqlQuery:
    """How many services have a worst score up to each edge, as the buckets of a histogram: a handful of series."""
    return level(SERVICES_UP_TO, by=("le",))
