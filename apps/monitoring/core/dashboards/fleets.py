"""What the pages of the fleet share: how scores and states are read, and what they mean."""

from typing import Final

from apps.monitoring.core.dashboards.model import Meaning, Scale, rising
from apps.monitoring.core.promql import Match, Query, compose, level, series
from apps.monitoring.metrics import FLEET_SCORE, FLEET_STATE

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
)
OUTLIER: Final = 1
STEP: Final = "5m"
"""How finely the past is searched for flags."""
EDGES: Final = (1, 2, 3, 4, 6, 10)
"""Scores between which services are counted."""


def worst_score(*where: Match) -> Query:
    """Each service's worst score over its signals."""
    return level(FLEET_SCORE, *where, by=("service",))


def standing() -> Query:
    """Each service's state."""
    return level(FLEET_STATE, by=("service",))


def worst_of_now(count: int) -> Query:
    """The services with the worst scores at the end of the time range: the same ones at every moment of it."""
    return compose(f"topk({count}, max by (service) ({{}} @ end()))", series(FLEET_SCORE))


def worst_flagged(count: int) -> Query:
    """The services that were flagged within the time range, those with the worst scores of it."""
    return compose(
        f"topk({count}, max by (service) (max_over_time({{}}[$__range] @ end()))"
        f" and on (service) max by (service) (max_over_time(({{}} == {OUTLIER})[$__range:{STEP}] @ end())))",
        series(FLEET_SCORE),
        series(FLEET_STATE),
    )


def only(query: Query, services: Query) -> Query:
    """The query's series of these services alone."""
    return compose("{} and on (service) {}", query, services)


def counts_by_score() -> Query:
    """How many services have a worst score up to each edge, as the buckets of a histogram: a handful of series."""
    worst = worst_score()
    below = [_bucket(compose(f"count({{}} <= {edge})", worst), f"{edge}") for edge in EDGES]
    return compose(
        " or ".join("{}" for _ in range(len(EDGES) + 1)), *below, _bucket(compose("count({})", worst), "+Inf")
    )


def band(query: Query, *shares: float) -> Query:
    """These quantiles over the fleet, told apart by the label `band` (p10, p90), in one query."""
    parts = [
        compose(f'label_replace(quantile({share:g}, {{}}), "band", "p{share * 100:g}", "", "")', query)
        for share in shares
    ]
    return compose(" or ".join("{}" for _ in parts), *parts)


def _bucket(count: Query, edge: str) -> Query:
    return compose(f'label_replace({{}} or vector(0), "le", "{edge}", "", "")', count)
