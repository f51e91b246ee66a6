"""Which signals of which services stand out, and in which way."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.baseline import Baseline
from apps.fleet.engine.blocks import WindowBlocks
from apps.fleet.engine.counting_noise import counting_z
from apps.fleet.engine.evaluation import FlagKind
from apps.fleet.engine.observation import Floats, Observation
from apps.fleet.engine.policy import DetectionPolicy
from apps.fleet.engine.robust import deviation, median, midmean
from apps.fleet.engine.scoring import StatisticScore, WindowStatistic, level, score, slope

STATISTICS: Final[tuple[FlagKind, ...]] = ("level", "level", "level", "drift", "spread")
"""The statistics at a signal: the whole window, its latest half, its latest quarter; its slope; its restlessness."""
_QUARTER: Final = 2
_SPREAD: Final = 4
_WHERE: Final = (0, 1, 2, 2, 1)
"""The part of the window that speaks for each statistic."""
_HANDICAP: Final = np.array([0, 0, 0, 0.4, 0.4], dtype=np.float32)
"""What a slope or restlessness must be rarer by: of all statistics they mislead most."""
_BELOW: Final = 0.05
"""How far below what two signals need together a score is held, where something speaks against a flag."""
_SPAN_FLOOR: Final = np.float32(0.02)
_NEW_SPREAD: Final = float(np.log(1.5))
_NEW_PEERS: Final = 15


@dataclass(frozen=True, slots=True)
class OutlierFindings:
    """S services, K signals. `statistic` is the number of the statistic in STATISTICS that gave the score.

    `effect` is a logarithm: how far the service is from its usual, the fleet's motion left out. `ratio` is value over
    baseline, the fleet's motion in it; `baseline_log` is the logarithm of the baseline; `swing` how many times as much
    as usual it swings within minutes. `new` are signals without a past: their baseline_log is what their peers have.
    """

    score: Floats
    statistic: NDArray[np.int64]
    effect: Floats
    ratio: Floats
    baseline_log: Floats
    swing: Floats
    new: NDArray[np.bool_]
    flagged: NDArray[np.bool_]
    threshold: float


def find(
    baseline: Baseline, blocks: WindowBlocks, observation: Observation, policy: DetectionPolicy
) -> OutlierFindings:
    """What stands out."""
    count = baseline.left.shape[-1]
    spans = (count, -(-count // 2), -(-count // 4))
    threshold = policy.threshold(len(observation.services), len(observation.signals))
    levels = [level(baseline, span) for span in spans]
    restless = _restless(blocks)
    held = threshold - policy.together - _BELOW
    chance = [counting_z(observation, _fleet(baseline, span), latest=span * blocks.size) for span in spans]
    statistics = [*levels, slope(baseline), restless]
    scores = _scores(baseline, statistics, observation, chance=chance, policy=policy, held=held)
    calm = ~(median(blocks.span) >= np.log(policy.least_span))
    scores[_SPREAD] = np.where(calm, np.minimum(scores[_SPREAD], held), scores[_SPREAD])
    there = blocks.coverage >= policy.least_coverage
    scores[:, ~there | (baseline.days < policy.least_days)] = np.nan
    best = np.where(np.isnan(scores), -np.inf, scores).argmax(axis=0)
    top = _taken(scores, best)
    # Several statistics of one window flag more often than one does: ln(3) / z is the cost of that in the tail.
    top = np.asarray(top - np.float32(math.log(3)) / np.maximum(top, np.float32(1.5)), dtype=np.float32)
    effect = _taken(np.stack([levels[where].now for where in _WHERE]), best)
    moved = _taken(np.stack([np.broadcast_to(_fleet(baseline, spans[where]), top.shape) for where in _WHERE]), best)
    baseline_log = _taken(np.stack([median(baseline.own[..., -spans[where] :]) for where in _WHERE]), best)
    new = there & (baseline.days < policy.least_days)
    if new.any():
        _newcomers(blocks, new, score=top, effect=effect, moved=moved, baseline_log=baseline_log)
    return OutlierFindings(
        score=top,
        statistic=best,
        effect=effect,
        ratio=np.exp(effect + moved),
        baseline_log=baseline_log,
        swing=np.exp(restless.now),
        new=new,
        flagged=_flagged(top, threshold, policy.together),
        threshold=threshold,
    )


def _flagged(score: Floats, threshold: float, together: float) -> NDArray[np.bool_]:
    """Where a signal stands out by itself; or, where none does, two come near it: chance seldom meets one twice."""
    alone = score >= threshold
    nearly = score >= threshold - together
    pair = (nearly.sum(axis=1, keepdims=True) >= 2) & ~alone.any(axis=1, keepdims=True)
    return np.asarray(alone | (nearly & pair))


def _scores(
    baseline: Baseline,
    statistics: list[WindowStatistic],
    observation: Observation,
    *,
    chance: list[Floats],
    policy: DetectionPolicy,
    held: float,
) -> Floats:
    """The score of each statistic in the bad direction, STATISTICS × S × K; `held` caps it where something objects.

    `chance` is what counting alone makes of each span: no score exceeds it.
    """
    threshold = policy.threshold(len(observation.services), len(observation.signals))
    *levels, _, _ = statistics
    least = float(np.log(policy.least_ratio))
    # A change that is too small to matter must not pass however calm a service is: so much deviation all have.
    floors = [least / threshold] * _SPREAD + [float(np.log(policy.least_restless)) / threshold]
    directions = _directions(observation, levels)
    # A signal that mostly stands still (no errors) and jumps now and then counts single events: it must persist for
    # half of the window and change by what means something, and its restlessness means nothing.
    flat = (baseline.past_left == 0).sum(axis=(2, 3)) > (baseline.past_left != 0).sum(axis=(2, 3)) / 2
    meaning = np.array([signal.floor for signal in observation.signals], dtype=np.float32)
    usually = np.exp(median(baseline.own).astype(np.float64))
    scores = []
    for number, (statistic, floor) in enumerate(zip(statistics, floors, strict=True)):
        scored = score(statistic, floor=floor, apart=baseline.apart)
        if number == _SPREAD:
            found = _one_sided(statistic, scored, np.ones_like(directions), held)
            scores.append(np.where(flat, np.minimum(found, held), found))
            continue
        found = _one_sided(statistic, scored, directions, held)
        weak = _weak(levels, number, directions, least=least)
        change = usually * np.expm1(np.minimum(np.abs(levels[_WHERE[number]].now), 30))
        weak |= flat & ((number >= _QUARTER) | ~(change >= meaning))
        found = np.minimum(found, chance[_WHERE[number]])
        scores.append(np.where(weak, np.minimum(found, held), found))
    return np.stack(scores) - _HANDICAP[:, None, None]


def _directions(observation: Observation, levels: list[WindowStatistic]) -> Floats:
    """+1 or -1, S × K: the way in which a signal is bad, for "both" the way in which it went."""
    went = np.where(np.nan_to_num(levels[0].now) < 0, np.float32(-1), np.float32(1))
    both = np.array([signal.bad == "both" for signal in observation.signals])
    return np.where(both, went, np.float32(1))


def _one_sided(statistic: WindowStatistic, scored: StatisticScore, sign: Floats, held: float) -> Floats:
    """The score in the bad direction; what a service's own past shows on two days or more is usual for it."""
    towards = scored.score * sign
    usual = np.where(sign > 0, statistic.now <= scored.highest, statistic.now >= scored.lowest)
    return np.where(usual, np.minimum(towards, held), towards)


def _weak(levels: list[WindowStatistic], number: int, directions: Floats, *, least: float) -> NDArray[np.bool_]:
    """What is over, or too small to matter: a flag is about now."""
    effect = levels[_WHERE[number]].now * directions
    latest = np.fmax(levels[1].now * directions, levels[2].now * directions)
    return np.asarray(~(latest >= np.maximum(effect / 2, least / 2)) | ~(effect >= least))


def _newcomers(
    blocks: WindowBlocks, new: NDArray[np.bool_], *, score: Floats, effect: Floats, moved: Floats, baseline_log: Floats
) -> None:
    """Hold the signals without a past against their peers' values: only what is far beyond them all stands out."""
    height = midmean(blocks.level)
    for column in np.nonzero(new.any(axis=0))[0]:
        known = height[~np.isnan(height[:, column]), column]
        if len(known) <= _NEW_PEERS:
            continue
        rows, centre = new[:, column], np.float32(np.median(known))
        spread = max(float(deviation(known[None])[0]), _NEW_SPREAD)
        away = height[rows, column] - centre
        score[rows, column], effect[rows, column] = away / np.float32(spread), away
        moved[rows, column], baseline_log[rows, column] = 0.0, centre


def _restless(blocks: WindowBlocks) -> WindowStatistic:
    """How restless the window is beside the same minutes of the earlier days."""
    least = (blocks.span.shape[-1] + 1) // 2
    now, past = np.log(blocks.span + _SPAN_FLOOR), np.log(blocks.past_span + _SPAN_FLOOR)
    usual = median(np.ascontiguousarray(past.swapaxes(2, 3)))
    now, past = now - usual, past - usual[:, :, None]
    fleet = median(np.ascontiguousarray(np.moveaxis(now, 0, -1)))
    return WindowStatistic(midmean(now - np.nan_to_num(fleet), least=least), midmean(past, least=least))


def _fleet(baseline: Baseline, span: int) -> Floats:
    return median(baseline.fleet[:, -span:])


def _taken(stacked: Floats, best: NDArray[np.int64]) -> Floats:
    """Of each service's signals the figure that belongs to its best statistic."""
    return np.asarray(np.take_along_axis(stacked, best[None], axis=0)[0])
