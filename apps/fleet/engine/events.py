"""Events: the fleet, or a zone of it, shifts together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.baseline import Baseline, members_of
from apps.fleet.engine.evaluation import FleetEvent
from apps.fleet.engine.findings import OutlierFindings
from apps.fleet.engine.observation import Floats, Observation
from apps.fleet.engine.onset import onset
from apps.fleet.engine.policy import DetectionPolicy
from apps.fleet.engine.robust import median, midmean
from apps.fleet.engine.sentences import fleet_sentence, format_time, neighbour_sentence, zone_sentence


@dataclass(frozen=True, slots=True)
class _SignalShift:
    """A signal in which part of the fleet shifted: its column, the logarithm of the factor, the number of services."""

    column: int
    shift: float
    services: int


def fleet_events(
    observation: Observation, baseline: Baseline, peer_median: Floats, policy: DetectionPolicy
) -> tuple[FleetEvent, ...]:
    """At most one event for the fleet, however many signals shifted."""
    half = -(-baseline.fleet.shape[-1] // 2)
    now = midmean(baseline.fleet[:, -half:])
    past = midmean(baseline.past_fleet[:, baseline.alike, -half:])
    moved = []
    for column, signal in enumerate(observation.signals):
        shift = float(now[column])
        if (signal.bad == "high" and shift < 0) or not _unusual(shift, past[column], policy):
            continue
        alone = midmean((baseline.left[:, column] + baseline.fleet[column])[:, -half:]) * np.sign(shift)
        moved.append(_SignalShift(column, shift, int((alone >= abs(shift) / 2).sum())))
    if not moved:
        return ()
    since_s = min(_onset_s(np.log(peer_median[item.column]), item.shift, observation.times_s) for item in moved)
    return (_event(observation, moved, zone="", since_s=since_s),)


def _unusual(shift: float, past: Floats, policy: DetectionPolicy) -> bool:
    """Whether the shift is large, and larger than on all but one of the earlier days of this kind."""
    known = np.sort(past[~np.isnan(past)] * np.sign(shift))
    if not len(known) or abs(shift) < np.log(policy.event_ratio):
        return False
    spread = 1.4826 * float(np.median(np.abs(known)))
    usually = float(known[-2]) if len(known) > 2 else 0.0
    return abs(shift) > 3 * spread and abs(shift) - usually > np.log(policy.event_ratio) / 2


def zone_events(
    observation: Observation, baseline: Baseline, findings: OutlierFindings, policy: DetectionPolicy
) -> tuple[tuple[FleetEvent, ...], dict[tuple[int, int], str]]:
    """An event for each zone that shifts on its own, and the zone of each (service, signal) that shifts with it."""
    events, members = [], {}
    for zone, inside in members_of(observation.zones, least=policy.zone_members).items():
        moved = [
            item
            for column in range(len(observation.signals))
            if (item := _zone_moved(inside, column, findings=findings, policy=policy))
        ]
        if not moved:
            continue
        since_s = min(
            _onset_s(median(baseline.left[inside, item.column].T), item.shift, observation.times_s) for item in moved
        )
        neighbour = _noisy_neighbour(observation, findings, inside, moved)
        events.append(_event(observation, moved, zone=zone, since_s=since_s, neighbour=neighbour))
        for item in moved:
            towards = np.sign(findings.effect[:, item.column]) == np.sign(item.shift)
            together = inside & findings.flagged[:, item.column] & towards
            members.update({(int(row), item.column): zone for row in np.nonzero(together)[0]})
    return tuple(sorted(events, key=lambda event: -abs(np.log(event.shift)))), members


def _zone_moved(
    inside: NDArray[np.bool_], column: int, *, findings: OutlierFindings, policy: DetectionPolicy
) -> _SignalShift | None:
    score, effect = findings.score[:, column], findings.effect[:, column]
    known = ~np.isnan(score)
    here = inside & known
    if here.sum() < policy.zone_members or here.sum() > 0.6 * known.sum():
        return None
    shift = float(np.median(effect[here]))
    towards = np.sign(effect[here]) == np.sign(shift)
    if float(np.median(np.where(towards, score[here], 0))) < policy.zone_score:
        return None
    if abs(shift) < np.log(policy.least_ratio):
        return None
    return _SignalShift(column, shift, int((effect[here] * np.sign(shift) >= abs(shift) / 2).sum()))


def _event(
    observation: Observation, moved: Sequence[_SignalShift], *, zone: str, since_s: float, neighbour: str = ""
) -> FleetEvent:
    strongest = max(moved, key=lambda item: abs(item.shift))
    since = format_time(since_s, float(observation.times_s[-1]))
    shifts = [(observation.signals[item.column], float(np.exp(item.shift))) for item in moved]
    if zone:
        known = observation.zones.count(zone)
        sentence = zone_sentence(zone, shifts, strongest.services, known, since=since, neighbour=neighbour)
    else:
        sentence = fleet_sentence(shifts, strongest.services, len(observation.services), since=since)
    return FleetEvent(
        signal=observation.signals[strongest.column].name,
        zone=zone,
        shift=float(np.exp(strongest.shift)),
        services=strongest.services,
        since_s=since_s,
        sentence=sentence,
        signals=tuple(signal.name for signal, _ in shifts),
    )


def _noisy_neighbour(
    observation: Observation, findings: OutlierFindings, inside: NDArray[np.bool_], moved: Sequence[_SignalShift]
) -> str:
    """A sentence on the one member of a failing zone whose requests alone grew: the likely noisy neighbour."""
    for column, signal in enumerate(observation.signals):
        if signal.name != "request_rate" or any(item.column == column for item in moved):
            continue
        grown = inside & findings.flagged[:, column] & (findings.effect[:, column] > 0)
        if grown.any():
            row = int(np.where(grown, findings.score[:, column], -np.inf).argmax())
            return neighbour_sentence(observation.services[row], float(findings.ratio[row, column]))
    return ""


def _onset_s(left: Floats, shift: float, times_s: NDArray[np.float64]) -> float:
    """When a series of logarithms (points or blocks of the window) shifted."""
    place = int(onset(left[None], np.array([shift], dtype=np.float32)).point[0])
    return float(times_s[place * len(times_s) // len(left)])
