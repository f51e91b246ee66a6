"""The detection policy: every threshold in one place."""

from dataclasses import dataclass
from typing import Final

from apps.fleet.engine.robust import normal_tail


@dataclass(frozen=True, slots=True)
class DetectionPolicy:
    """The conditions for a flag.

    `false_alarms` is the accepted share of healthy services flagged per evaluation, over all their signals.
    `least_ratio`: smaller changes are never flagged, however significant; `least_swing` is the same for swing.
    `event_ratio`: the minimum shift of the fleet for an event.
    """

    false_alarms: float = 0.001
    least_ratio: float = 1.2
    least_swing: float = 2.0
    least_span: float = 1.4
    """A signal whose highest point in five minutes is below this multiple of its lowest is steady."""
    event_ratio: float = 1.25
    together: float = 0.9
    """Two signals of one service are flagged together if each is within this distance of the threshold."""
    blocks: int = 12
    """Sub-windows: a deviation must persist over several of them."""
    least_peers: int = 3
    """With fewer peers there is no fleet to compare with: only the service's own past counts."""
    least_days: int = 2
    """With fewer days of history a service has no baseline yet."""
    least_coverage: float = 0.25
    """Below this share of the window's points a signal counts as missing."""
    zone_members: int = 3
    zone_score: float = 2.5
    """A zone shifts together if the median score of its members reaches this."""

    def threshold(self, services: int, signals: int) -> float:
        """The score at which a signal is flagged, for a fleet of this size."""
        # Expect at most one false flag per evaluation, in large fleets too.
        share = min(self.false_alarms, 1.0 / max(services, 1))
        return normal_tail(share / max(signals, 1))


DEFAULT_POLICY: Final = DetectionPolicy()
