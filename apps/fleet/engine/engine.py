"""The outlier engine: an observation in, scores and reasons out. Pure; the clock is the observation's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.baseline import Baseline, estimate_baseline
from apps.fleet.engine.blocks import WindowBlocks, gather
from apps.fleet.engine.evaluation import Evaluation, ServiceState
from apps.fleet.engine.events import fleet_events, zone_events
from apps.fleet.engine.findings import OutlierFindings, find
from apps.fleet.engine.flagging import flags_of
from apps.fleet.engine.observation import Observation
from apps.fleet.engine.peers import peer_bands
from apps.fleet.engine.policy import DEFAULT_POLICY, DetectionPolicy
from apps.fleet.engine.robust import median

_NEVER: Final[Mapping[tuple[str, str], float]] = MappingProxyType({})


def evaluate(
    observation: Observation,
    *,
    policy: DetectionPolicy = DEFAULT_POLICY,
    since: Mapping[tuple[str, str], float] = _NEVER,
) -> Evaluation:
    """The evaluation of the fleet at the last of the observation's times.

    `since` is when each (service, signal) flag of the previous evaluation began, epoch seconds.
    """
    blocks = gather(observation, policy.blocks)
    found = estimate_baseline(
        blocks.level,
        blocks.past_level,
        at_s=float(observation.times_s[-1]),
        zones=observation.zones,
        least_services=policy.least_peers + 1,
    )
    findings = find(found, blocks, observation, policy)
    low, middle, high = peer_bands(observation, found, blocks.size)
    fleet = fleet_events(observation, found, middle, policy)
    groups, zones = zone_events(observation, found, findings, policy)
    flags = flags_of(observation, found, findings, blocks=blocks, zones=zones, since=since)
    return Evaluation(
        at_s=float(observation.times_s[-1]),
        window_s=observation.step_s * len(observation.times_s),
        services=observation.services,
        signals=observation.signals,
        score=findings.score,
        ratio=findings.ratio,
        state=_states(observation, found, findings, blocks, policy),
        shift=np.exp(median(found.fleet[:, -(-found.fleet.shape[-1] // 2) :])),
        peer_low=low,
        peer_median=middle,
        peer_high=high,
        flags=flags,
        events=(*fleet, *groups),
    )


def _states(
    observation: Observation, found: Baseline, findings: OutlierFindings, blocks: WindowBlocks, policy: DetectionPolicy
) -> NDArray[np.int8]:
    there = blocks.coverage >= policy.least_coverage
    grown = found.days >= policy.least_days
    state = np.full(len(observation.services), ServiceState.OK, np.int8)
    state[~(there & grown).any(axis=1)] = ServiceState.LEARNING
    # An expected signal is missing, so the state of the service is unknown.
    state[(grown & ~there).any(axis=1) | ~there.any(axis=1)] = ServiceState.NO_DATA
    state[findings.flagged.any(axis=1)] = ServiceState.OUTLIER
    return state
