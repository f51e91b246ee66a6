"""Which signals of which services deviate, and how."""

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
"""The statistics of a signal: level of the full window, its latest half and quarter; slope; swing."""
_QUARTER: Final = 2
_SPREAD: Final = 4
_WHERE: Final = (0, 1, 2, 2, 1)
"""The window part (0 full, 1 half, 2 quarter) that gives each statistic its effect."""
_HANDICAP: Final = np.array([0, 0, 0, 0.4, 0.4], dtype=np.float32)
"""Penalty on slope and swing: they mislead most often."""
_BELOW: Final = 0.05
"""How far below the pair threshold a score is capped when something speaks against a flag."""
_SPAN_FLOOR: Final = np.float32(0.02)
_NEW_SPREAD: Final = float(np.log(1.5))
_NEW_PEERS: Final = 15


@dataclass(frozen=True, slots=True)
class OutlierFindings:
    """S services, K signals. `statistic` is the index in STATISTICS of the one that gave the score.

    `effect` is a logarithm: the deviation from the baseline without the fleet's shift. `ratio` is value over
    baseline, with the fleet's shift; `baseline_log` is the logarithm of the baseline; `swing` is the swing within
    minutes relative to the baseline. `new` marks signals without history: their baseline is that of their peers.
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
    """The deviations of all signals."""
    count = baseline.left.shape[-1]
    spans = (count, -(-count // 2), -(-count // 4))
    threshold = policy.threshold(len(observation.services), len(observation.signals))
    levels = [level(baseline, span) for span in spans]
    swing = _swing_statistic(blocks)
    cap = threshold - policy.together - _BELOW
    chance = [counting_z(observation, _fleet_shift(baseline, span), latest=span * blocks.size) for span in spans]
    statistics = [*levels, slope(baseline), swing]
    scores = _scores(baseline, statistics, observation, chance=chance, policy=policy, cap=cap)
    steady = ~(median(blocks.span) >= np.log(policy.least_span))
    scores[_SPREAD] = np.where(steady, np.minimum(scores[_SPREAD], cap), scores[_SPREAD])
    there = blocks.coverage >= policy.least_coverage
    scores[:, ~there | (baseline.days < policy.least_days)] = np.nan
    best = np.where(np.isnan(scores), -np.inf, scores).argmax(axis=0)
    top = _select(scores, best)
    # Several statistics of one window flag more often than one does: ln(3) / z is the cost of that in the tail.
    top = np.asarray(top - np.float32(math.log(3)) / np.maximum(top, np.float32(1.5)), dtype=np.float32)
    effect = _select(np.stack([levels[where].now for where in _WHERE]), best)
    moved = _select(
        np.stack([np.broadcast_to(_fleet_shift(baseline, spans[where]), top.shape) for where in _WHERE]), best
    )
    baseline_log = _select(np.stack([median(baseline.own[..., -spans[where] :]) for where in _WHERE]), best)
    new = there & (baseline.days < policy.least_days)
    if new.any():
        _score_new_signals(blocks, new, score=top, effect=effect, moved=moved, baseline_log=baseline_log)
    return OutlierFindings(
        score=top,
        statistic=best,
        effect=effect,
        ratio=np.exp(effect + moved),
        baseline_log=baseline_log,
        swing=np.exp(swing.now),
        new=new,
        flagged=_flagged(top, threshold, policy.together),
        threshold=threshold,
    )


def _flagged(score: Floats, threshold: float, together: float) -> NDArray[np.bool_]:
    """Signals above the threshold; or, if a service has none, two near it: chance rarely hits one service twice."""
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
    cap: float,
) -> Floats:
    """The score of each statistic in the bad direction, STATISTICS × S × K; `cap` caps it where something objects.

    `chance` is the counting-noise z of each span; no score exceeds it.
    """
    threshold = policy.threshold(len(observation.services), len(observation.signals))
    *levels, _, _ = statistics
    least = float(np.log(policy.least_ratio))
    # Irrelevantly small changes must not pass, however steady a service is: this deviation is the minimum for all.
    floors = [least / threshold] * _SPREAD + [float(np.log(policy.least_swing)) / threshold]
    directions = _directions(observation, levels)
    # A signal that is mostly flat (no errors) and jumps occasionally counts single events: it must persist for half of
    # the window and change by a meaningful amount; its swing is meaningless.
    flat = (baseline.past_left == 0).sum(axis=(2, 3)) > (baseline.past_left != 0).sum(axis=(2, 3)) / 2
    meaning = np.array([signal.floor for signal in observation.signals], dtype=np.float32)
    usually = np.exp(median(baseline.own).astype(np.float64))
    scores = []
    for number, (statistic, floor) in enumerate(zip(statistics, floors, strict=True)):
        scored = score(statistic, floor=floor, apart=baseline.apart)
        if number == _SPREAD:
            found = _one_sided(statistic, scored, np.ones_like(directions), cap)
            scores.append(np.where(flat, np.minimum(found, cap), found))
            continue
        found = _one_sided(statistic, scored, directions, cap)
        weak = _weak(levels, number, directions, least=least)
        change = usually * np.expm1(np.minimum(np.abs(levels[_WHERE[number]].now), 30))
        weak |= flat & ((number >= _QUARTER) | ~(change >= meaning))
        found = np.minimum(found, chance[_WHERE[number]])
        scores.append(np.where(weak, np.minimum(found, cap), found))
    return np.stack(scores) - _HANDICAP[:, None, None]


def _directions(observation: Observation, levels: list[WindowStatistic]) -> Floats:
    """+1 or -1, S × K: the bad direction of a signal; for "both", the direction of the change."""
    went = np.where(np.nan_to_num(levels[0].now) < 0, np.float32(-1), np.float32(1))
    both = np.array([signal.bad == "both" for signal in observation.signals])
    return np.where(both, went, np.float32(1))


def _one_sided(statistic: WindowStatistic, scored: StatisticScore, sign: Floats, cap: float) -> Floats:
    """The score in the bad direction. A deviation that the service's own past shows on two days is capped."""
    towards = scored.score * sign
    in_past = np.where(sign > 0, statistic.now <= scored.highest, statistic.now >= scored.lowest)
    return np.where(in_past, np.minimum(towards, cap), towards)


def _weak(levels: list[WindowStatistic], number: int, directions: Floats, *, least: float) -> NDArray[np.bool_]:
    """Whether the deviation is over, or too small to matter: flags are about now."""
    effect = levels[_WHERE[number]].now * directions
    latest = np.fmax(levels[1].now * directions, levels[2].now * directions)
    return np.asarray(~(latest >= np.maximum(effect / 2, least / 2)) | ~(effect >= least))


def _score_new_signals(
    blocks: WindowBlocks, new: NDArray[np.bool_], *, score: Floats, effect: Floats, moved: Floats, baseline_log: Floats
) -> None:
    """Score signals without history against their peers' values: only extreme ones are flagged."""
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


def _swing_statistic(blocks: WindowBlocks) -> WindowStatistic:
    """The swing of the window compared with the same minutes of earlier days."""
    least = (blocks.span.shape[-1] + 1) // 2
    now, past = np.log(blocks.span + _SPAN_FLOOR), np.log(blocks.past_span + _SPAN_FLOOR)
    typical = median(np.ascontiguousarray(past.swapaxes(2, 3)))
    now, past = now - typical, past - typical[:, :, None]
    fleet = median(np.ascontiguousarray(np.moveaxis(now, 0, -1)))
    return WindowStatistic(midmean(now - np.nan_to_num(fleet), least=least), midmean(past, least=least))


def _fleet_shift(baseline: Baseline, span: int) -> Floats:
    return median(baseline.fleet[:, -span:])


def _select(stacked: Floats, best: NDArray[np.int64]) -> Floats:
    """For each signal of each service, the figure of its best statistic."""
    return np.asarray(np.take_along_axis(stacked, best[None], axis=0)[0])
