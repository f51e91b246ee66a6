"""Recording rules for the fleet dashboards: they cost the same for fifty services and ten thousand.

A quantile over ten thousand services is slow, and a panel would compute it at each of hundreds of points. Recorded, it
is a handful of series, whatever the fleet's size.
"""

from collections.abc import Iterator
from typing import Final

from apps.fleet.metrics import FLEET_SCORE
from apps.monitoring.alerts.alert import RecordingRule, RuleGroup
from apps.telemetry.metric import Metric
from apps.telemetry.promql import compose, level, series

EVERY: Final = "30s"
"""Half the interval between two evaluations of the fleet, so that none is missed."""
EDGES: Final = (1, 2, 3, 4, 6, 10)
"""Upper edges of the score buckets."""
SHARES: Final = ((0.1, "p10"), (0.5, "p50"), (0.9, "p90"))
WORST: Final = "worst"
"""The value of `signal` for each service's worst score over all signals."""

WORST_SCORE: Final = Metric(
    "anden:fleet_score:worst",
    "A service's worst score over its signals: one series per service instead of six.",
    "gauge",
    labels=("service",),
)
SERVICES_UP_TO: Final = Metric(
    "anden:fleet_services:count", "Services whose worst score is at most le.", "gauge", labels=("le",)
)
PEERS: Final = Metric(
    "anden:fleet_score:quantile", "Quantiles of the scores over all services.", "gauge", labels=("signal", "band")
)


def fleet_recordings() -> RuleGroup:
    """The rules: worst scores, their distribution, and the quantiles of the peers.

    Prometheus evaluates them in order, so the worst scores are there when they are counted.
    """
    worst = RecordingRule(WORST_SCORE, level(FLEET_SCORE, by=("service",)))
    return RuleGroup("anden-fleet-scores", EVERY, (worst, *_counts(), *_bands()))


def _counts() -> Iterator[RecordingRule]:
    worst = series(WORST_SCORE)
    every = compose("count({})", worst)
    for edge in EDGES:
        # 0 when no service is below the edge; absent when there are no services.
        below = compose(f"count({{}} <= {edge}) or 0 * {{}}", worst, every)
        yield RecordingRule(SERVICES_UP_TO, below, (("le", f"{edge}"),))
    yield RecordingRule(SERVICES_UP_TO, every, (("le", "+Inf"),))


def _bands() -> Iterator[RecordingRule]:
    for share, band in SHARES:
        scores = level(FLEET_SCORE, by=("service", "signal"))
        yield RecordingRule(PEERS, compose(f"quantile by (signal) ({share:g}, {{}})", scores), (("band", band),))
        worst = compose(f"quantile({share:g}, {{}})", series(WORST_SCORE))
        yield RecordingRule(PEERS, worst, (("signal", WORST), ("band", band)))
