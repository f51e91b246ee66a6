"""Points aggregated into blocks: robust against single points, and a fifth of the work."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats, Observation

_CHUNK: Final = 512
"""Services per chunk; bounds the memory used in addition to the observation."""

_MOST: Final = np.float32(1e12)
"""Values are clipped here, so that ratios of ratios to a floor stay in the range of float32."""


@dataclass(frozen=True, slots=True)
class WindowBlocks:
    """Per block of B: `level`, the logarithm of the trimmed mean; `span`, the logarithm of highest over lowest.

    The current window is S × K × B, the past S × K × D × B. NaN where a block has no point.
    `size` is the number of points per block; the first block may have fewer.
    """

    size: int
    level: Floats
    span: Floats
    past_level: Floats
    past_span: Floats
    coverage: Floats
    """S × K: the share of the window's points that have data; 0 if the latest block is empty."""


def gather(observation: Observation, blocks: int) -> WindowBlocks:
    """The observation in about `blocks` blocks."""
    services, signals, points = observation.now.shape
    size = -(-points // blocks)
    count = -(-points // size)
    days = observation.past.shape[2]
    floor = np.array([signal.floor for signal in observation.signals], dtype=np.float32)
    level, span = (np.empty((services, signals, count), np.float32) for _ in range(2))
    past_level, past_span = (np.empty((services, signals, days, count), np.float32) for _ in range(2))
    coverage = np.empty((services, signals), np.float32)
    for start in range(0, services, _CHUNK):
        part = slice(start, start + _CHUNK)
        level[part], span[part], known = _reduced(observation.now[part], floor[:, None], size)
        past_level[part], past_span[part], _ = _reduced(observation.past[part], floor[:, None, None], size)
        coverage[part] = np.where(known[..., -1] > 0, known.sum(axis=-1) / max(points, 1), 0)
    return WindowBlocks(size, level, span, past_level, past_span, coverage)


def sane(values: Floats) -> Floats:
    """The values clipped to 0 … 1e12; NaN for anything that is not a finite number."""
    return np.where(np.isfinite(values), np.clip(values, 0, _MOST), np.float32(np.nan))


def _reduced(values: Floats, floor: Floats, size: int) -> tuple[Floats, Floats, NDArray[np.int32]]:
    """Level, span and number of points of each block of the last axis."""
    values = sane(values)
    short = -values.shape[-1] % size
    if short:
        gap = np.full((*values.shape[:-1], short), np.nan, np.float32)
        values = np.concatenate([gap, values], axis=-1)
    parts = values.reshape(*values.shape[:-1], values.shape[-1] // size, size)
    known = np.zeros(parts.shape[:-1], np.int32)
    total = np.zeros(parts.shape[:-1], np.float32)
    low = np.full(parts.shape[:-1], np.nan, np.float32)
    high = low.copy()
    for place in range(size):
        column = parts[..., place]
        there = ~np.isnan(column)
        known += there
        total += np.where(there, column, np.float32(0))
        np.fmin(low, column, out=low)
        np.fmax(high, column, out=high)
    trimmed = known >= 4
    total = np.where(trimmed, total - low - high, total)
    count = np.where(trimmed, known - 2, known)
    mean = np.where(count > 0, np.maximum(total, 0) / np.maximum(count, 1), np.float32(np.nan))
    level = np.log(mean + floor).astype(np.float32)
    span = np.where(known >= 2, np.log((high + floor) / (low + floor)), np.float32(np.nan)).astype(np.float32)
    return level, span, known
