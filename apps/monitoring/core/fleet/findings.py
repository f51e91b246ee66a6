"""Which signals of which services stand out, and in which way."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.monitoring.core.fleet.baseline import Usual
from apps.monitoring.core.fleet.blocks import Blocks
from apps.monitoring.core.fleet.evaluation import Kind
from apps.monitoring.core.fleet.observation import Floats, Observation
from apps.monitoring.core.fleet.policy import Policy
from apps.monitoring.core.fleet.robust import median, midmean
from apps.monitoring.core.fleet.scoring import Look, Scored, level, score, slope

KINDS: Final[tuple[Kind, ...]] = ("level", "level", "level", "drift", "spread")
"""The kind of each look: at the whole window, its latest half, its latest quarter; its slope; its restlessness."""
_DRIFT, _SPREAD = 3, 4
_HANDICAP: Final = np.array([0, 0, 0, 0.4, 0.4], dtype=np.float32)
"""What a slope or restlessness must be rarer by: of all looks they mislead most."""
_SPAN_FLOOR: Final = np.float32(0.02)
_NEARLY: Final = 0.95
"""What is left of a score, as a share of the threshold, where something speaks against a flag."""


@dataclass(frozen=True, slots=True)
class Findings:
    """S services, K signals. `look` is the number of the look in KINDS that gave the score.

    `effect` is a logarithm: how far the service is from its usual, the fleet's motion left out. `ratio` is value over
    baseline, the fleet's motion in it; `shift` K is the fleet's factor.
    """

    score: Floats
    look: NDArray[np.int64]
    effect: Floats
    ratio: Floats
    shift: Floats
    flagged: NDArray[np.bool_]
    threshold: float
    first_block: NDArray[np.int64]
    """The number of the first block of each look."""


def find(usual: Usual, blocks: Blocks, observation: Observation, policy: Policy) -> Findings:
    """What stands out."""
    count = usual.left.shape[-1]
    spans = (count, -(-count // 2), -(-count // 4))
    threshold = policy.threshold(len(observation.services), len(observation.signals))
    floor = float(np.log(policy.least_ratio)) / threshold
    levels = [level(usual, span) for span in spans]
    looks = [*levels, slope(usual), _restless(blocks)]
    floors = [floor] * 4 + [float(np.log(policy.least_restless)) / threshold]
    directions = _directions(observation, levels)
    scores = []
    for number, (look, least) in enumerate(zip(looks, floors, strict=True)):
        scored = score(look, floor=least, apart=usual.apart)
        sign = np.ones_like(directions) if number == _SPREAD else directions
        scores.append(_one_sided(look, scored, sign, threshold))
    _hold_back(scores, levels, directions, threshold=threshold, least=float(np.log(policy.least_ratio)))
    calm = np.nan_to_num(median(blocks.span)) < np.log(policy.least_span)
    scores[_SPREAD] = np.where(calm, np.minimum(scores[_SPREAD], _NEARLY * threshold), scores[_SPREAD])
    stacked = np.stack(scores) - _HANDICAP[:, None, None]
    stacked[:, (blocks.coverage < policy.least_coverage) | (usual.days < policy.least_days)] = np.nan
    best = np.where(np.isnan(stacked), -np.inf, stacked).argmax(axis=0)
    top = np.take_along_axis(stacked, best[None], axis=0)[0]
    # Several looks at the same window find something more often than one: ln(3) / z is what that costs in the tail.
    top = top - np.float32(np.log(3.0)) / np.maximum(top, 1.5)
    effects = np.stack([levels[0].now, levels[1].now, levels[2].now, levels[2].now, levels[1].now])
    fleets = np.stack([median(usual.fleet[:, -span:]) for span in (*spans, spans[2], spans[1])])
    effect = np.take_along_axis(effects, best[None], axis=0)[0]
    moved = np.take_along_axis(np.broadcast_to(fleets[:, None], stacked.shape), best[None], axis=0)[0]
    return Findings(
        score=top,
        look=best,
        effect=effect,
        ratio=np.exp(effect + moved),
        shift=np.exp(fleets[1]).astype(np.float32),
        flagged=np.asarray(top >= threshold),
        threshold=threshold,
        first_block=np.array([count - span for span in (*spans, spans[0], spans[0])]),
    )


def _directions(observation: Observation, levels: list[Look]) -> Floats:
    """+1 or -1, S × K: the way in which a signal is bad, for "both" the way in which it went."""
    went = np.where(np.nan_to_num(levels[0].now) < 0, np.float32(-1), np.float32(1))
    both = np.array([signal.bad == "both" for signal in observation.signals])
    return np.where(both, went, np.float32(1))


def _one_sided(look: Look, scored: Scored, sign: Floats, threshold: float) -> Floats:
    """The score in the bad direction; what a service's own past shows on two days or more is usual for it."""
    towards = scored.score * sign
    usual = np.where(sign > 0, look.now <= scored.highest, look.now >= scored.lowest)
    return np.where(usual, np.minimum(towards, _NEARLY * threshold), towards)


def _hold_back(
    scores: list[Floats], levels: list[Look], directions: Floats, *, threshold: float, least: float
) -> None:
    """Keep below the threshold what is over, or too small to matter: a flag is about now."""
    limit = _NEARLY * threshold
    latest = np.fmax(levels[1].now * directions, levels[2].now * directions)
    for number in range(4):
        effect = levels[min(number, 2)].now * directions
        over = ~(latest >= np.maximum(effect / 2, least / 2)) | ~(effect >= least)
        scores[number] = np.where(over, np.minimum(scores[number], limit), scores[number])


def _restless(blocks: Blocks) -> Look:
    """How restless the window is beside the same minutes of the earlier days."""
    span = blocks.span.shape[-1]
    least = (span + 1) // 2
    now, past = np.log(blocks.span + _SPAN_FLOOR), np.log(blocks.past_span + _SPAN_FLOOR)
    usual = median(np.ascontiguousarray(past.swapaxes(2, 3)))
    now, past = now - usual, past - usual[:, :, None]
    fleet = median(np.ascontiguousarray(np.moveaxis(now, 0, -1)))
    return Look(midmean(now - np.nan_to_num(fleet), least=least), midmean(past, least=least))
