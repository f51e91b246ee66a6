"""Queries, thresholds and value mappings that the fleet dashboards share."""

from typing import Final

from apps.fleet.metrics import FLEET_STATE
from apps.monitoring.alerts.fleet_recordings import PEERS, SERVICES_UP_TO, WORST_SCORE
from apps.monitoring.alerts.fleet_recordings import WORST as ALL_SIGNALS
from apps.monitoring.dashboards.model import PanelQuery, Thresholds, ValueMapping, rising
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, level, series

WORST: Final = 20
"""Rows of the ranked table and the state timeline: more is unreadable."""
SMALL_MULTIPLES: Final = 6
"""Services with a separate panel."""
SCORE: Final = rising(2.5, 4)
"""A signal is flagged from about 4; the engine requires slightly more in larger fleets."""
SHIFT: Final = Thresholds("critical", ((0.625, "warning"), (0.8, "ok"), (1.25, "warning"), (1.6, "critical")))
"""A fleet-wide shift of a quarter is normal; from a factor of 1.6, up or down, something hit all services."""
STATES: Final = (
    ValueMapping(0, "ok", "ok"),
    ValueMapping(1, "outlier", "critical"),
    ValueMapping(2, "no data", "unknown"),
    ValueMapping(3, "learning", "neutral"),
    ValueMapping(4, "with its zone", "warning"),
)
MUTED_SCORE: Final = Thresholds("neutral", SCORE.steps)
MUTED_STATES: Final = (ValueMapping(0, "ok", "neutral"), *STATES[1:])
"""In lists of many services, healthy is grey, so that unhealthy ones are visible."""
OUTLIER: Final = 1
STEP: Final = "5m"
"""The resolution of the search for past flags."""
POINTS: Final = 60
"""Evaluation points of queries over all services: more would only be slow."""


def worst_score(*where: LabelMatcher) -> PromqlQuery:
    """Each service's worst score over its signals."""
    return level(WORST_SCORE, *where, by=("service",))


def service_states() -> PromqlQuery:
    """Each service's state."""
    return level(FLEET_STATE, by=("service",))


def worst_now(count: int) -> PromqlQuery:
    """The services with the worst scores at the end of the time range, the same at every point of it."""
    return compose(f"topk({count}, max by (service) ({{}} @ end()))", series(WORST_SCORE))


def worst_flagged(count: int) -> PromqlQuery:
    """The services flagged within the time range that had the worst scores."""
    return compose(
        f"topk({count}, max by (service) (max_over_time({{}}[$__range] @ end()))"
        # The subquery misses flags between its steps, so the end of the range is checked, too.
        f" and on (service) max by (service) (max_over_time(({{}} == {OUTLIER})[$__range:{STEP}] @ end())"
        f" or {{}} @ end() == {OUTLIER}))",
        series(WORST_SCORE),
        series(FLEET_STATE),
        series(FLEET_STATE),
    )


def for_services(query: PromqlQuery, services: PromqlQuery) -> PromqlQuery:
    """The query's series, for these services only."""
    return compose("{} and on (service) {}", query, services)


def peers(signal: str = ALL_SIGNALS) -> PanelQuery:
    """The 10th, 50th and 90th percentile of the scores of all services."""
    return PanelQuery(level(PEERS, LabelMatcher("signal", signal), by=("band",)), "peers {{band}}")


def counts_by_score() -> PromqlQuery:
    """Number of services by worst score, as cumulative histogram buckets."""
    return level(SERVICES_UP_TO, by=("le",))
