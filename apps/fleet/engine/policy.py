"""When a service stands out: every figure that decides it, in one place."""

from dataclasses import dataclass
from typing import Final

from apps.fleet.engine.robust import normal_tail


@dataclass(frozen=True, slots=True)
class DetectionPolicy:
    """What the engine asks for before it flags.

    `false_alarms` is the share of healthy services that may be flagged in one look, over all their signals.
    `least_ratio`: a smaller change is no trouble however sure it is; `least_restless` the same for the spread.
    `event_ratio`: what the whole fleet must move by to be an event.
    """

    false_alarms: float = 0.001
    least_ratio: float = 1.2
    least_restless: float = 2.0
    least_span: float = 1.4
    """A signal whose highest point in five minutes is not this much above its lowest is calm."""
    event_ratio: float = 1.25
    together: float = 0.9
    """Two signals of one service stand out together when each comes this near to the threshold."""
    blocks: int = 12
    """Sub-windows: what does not persist over several of them is no outlier."""
    least_peers: int = 3
    """Fewer peers than this say nothing about the fleet: a service is then held against its own past alone."""
    least_days: int = 2
    """With fewer days a service is too new to have a usual."""
    least_coverage: float = 0.25
    """Share of the window's points without which there is no data."""
    zone_members: int = 3
    zone_score: float = 2.5
    """Median score of a zone's members from which on the zone moves together."""

    def threshold(self, services: int, signals: int) -> float:
        """The score from which on a signal is flagged, in a fleet of so many services."""
        # Of a large fleet, too, no more than one false flag a look is to be expected.
        share = min(self.false_alarms, 1.0 / max(services, 1))
        return normal_tail(share / max(signals, 1))


DEFAULT_POLICY: Final = DetectionPolicy()
