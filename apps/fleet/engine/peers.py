"""The peer band: the distribution of all services at each point."""

import numpy as np

from apps.fleet.engine.baseline import Baseline
from apps.fleet.engine.observation import Floats, Observation

_SHARES = (0.1, 0.5, 0.9)


def peer_bands(observation: Observation, baseline: Baseline, size: int) -> tuple[Floats, Floats, Floats]:
    """The 10th, 50th and 90th percentile of the services' ratio to their own baseline at each point, K × W each."""
    ratios = ratio_to_baseline(observation, baseline, size)
    across = np.sort(np.ascontiguousarray(ratios.transpose(1, 2, 0)), axis=-1)
    if not across.shape[-1]:
        nothing = np.full(across.shape[:-1], np.nan, np.float32)
        return nothing, nothing.copy(), nothing.copy()
    known = (~np.isnan(across)).sum(axis=-1, keepdims=True)
    bands = []
    for share in _SHARES:
        place = share * np.maximum(known - 1, 0)
        low = np.floor(place).astype(np.int64)
        high = np.ceil(place).astype(np.int64)
        lower, upper = np.take_along_axis(across, low, axis=-1), np.take_along_axis(across, high, axis=-1)
        bands.append(np.exp(lower + (upper - lower) * (place - low))[..., 0].astype(np.float32))
    return bands[0], bands[1], bands[2]


def ratio_to_baseline(observation: Observation, baseline: Baseline, size: int) -> Floats:
    """The logarithm of each point's ratio to the service's baseline, S × K × W."""
    floor = np.array([signal.floor for signal in observation.signals], dtype=np.float32)[:, None]
    return log_values(observation.now, floor) - at_points(baseline.own, size, len(observation.times_s))


def log_values(values: Floats, floor: Floats) -> Floats:
    """The logarithms by which values are compared; NaN without data."""
    return np.log(np.where(np.isfinite(values), np.maximum(values, 0), np.float32(np.nan)) + floor)


def at_points(by_block: Floats, size: int, points: int) -> Floats:
    """Each block's figure repeated for its points; the first block may be shorter."""
    return np.repeat(by_block, size, axis=-1)[..., -points:]
