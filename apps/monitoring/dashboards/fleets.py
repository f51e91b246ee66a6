"""What the pages of the fleet share: how scores and states are read, and what they mean."""

from typing import Final

from apps.fleet.metrics import FLEET_STATE
from apps.monitoring.alerts.fleet_recordings import PEERS, SERVICES_UP_TO, WORST_SCORE
from apps.monitoring.alerts.fleet_recordings import WORST as ALL_SIGNALS
from apps.monitoring.dashboards.model import Meaning, Scale, Target, rising
from apps.telemetry.promql import Match, Query, compose, level, series

WORST: Final = 20
"""Rows of the ranked table, and of the state timeline: more cannot be read."""
MULTIPLES: Final = 6
"""Services that get a small picture of their own."""
SCORE: Final = rising(2.5, 4)
"""From about 4 on a signal is flagged; the engine asks for a little more in larger fleets."""
SHIFT: Final = Scale("bad", ((0.625, "watch"), (0.8, "well"), (1.25, "watch"), (1.6, "bad")))
"""The whole fleet may move by a quarter; from a factor of 1.6, up or down, something happened to all of it."""
STATES: Final = (
    Meaning(0, "ok", "well"),
    Meaning(1, "outlier", "bad"),
    Meaning(2, "no data", "unknown"),
    Meaning(3, "learning", "neutral"),
    Meaning(4, "with its zone", "watch"),
)
CALM_SCORE: Final = Scale("neutral", SCORE.steps)
CALM_STATES: Final = (Meaning(0, "ok", "neutral"), *STATES[1:])
"""Where many services stand side by side, what is well is grey, so that the sick ones stand out."""
OUTLIER: Final = 1
STEP: Final = "5m"
"""How finely the past is searched for flags."""
POINTS: Final = 60
"""Moments at which all services are looked at: more would only be slow."""


def worst_score(*where: Match) -> Query:
    """Each service's worst score over its signals."""
    return level(WORST_SCORE, *where, by=("service",))


def standing() -> Query:
    """Each service's state."""
    return level(FLEET_STATE, by=("service",))


def worst_of_now(count: int) -> Query:
    """The services with the worst scores at the end of the time range: the same ones at every moment of it."""
    return compose(f"topk({count}, max by (service) ({{}} @ end()))", series(WORST_SCORE))


def worst_flagged(count: int) -> Query:
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


def only(query: Query, services: Query) -> Query:
    """The query's series of these services alone."""
    return compose("{} and on (service) {}", query, services)


def peers(signal: str = ALL_SIGNALS) -> Target:
    """Between which scores eight of ten services lie, and the middle one."""
    return Target(level(PEERS, Match("signal", signal), by=("band",)), "peers {{band}}")


def counts_by_score() -> Query:
    """How many services have a worst score up to each edge, as the buckets of a histogram: a handful of series."""
    return level(SERVICES_UP_TO, by=("le",))
