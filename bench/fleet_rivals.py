"""Other outlier detection methods on the same observations."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN
from sklearn.ensemble import IsolationForest

from apps.fleet.engine.observation import Observation
from apps.fleet.engine.robust import median

Array = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rival:
    """A method: `flags` decides for each service whether it is an outlier at a tolerance.

    `tolerance` is the one of `grid` with the best F1 on seeds outside the table (`tune`): each rival at its best, and,
    as for Andén, the same for all fleets.
    """

    name: str
    flags: Callable[[Observation, float], Flags]
    grid: tuple[float, ...]
    tolerance: float


def normalised_mad(observation: Observation, tolerance: float) -> Flags:
    """Datadog's MAD on values divided by each service's baseline: away from the fleet at half of the points."""
    return _worst_signal(_deviations(_normalised(observation))) > tolerance


def mad(observation: Observation, tolerance: float) -> Flags:
    """Datadog's MAD on the raw values."""
    return _worst_signal(_deviations(observation.now)) > tolerance


def dbscan(observation: Observation, tolerance: float) -> Flags:
    """Datadog's DBSCAN on normalized values; gaps filled with the fleet's median.

    eps is the tolerance times the median distance to the median series; outside the largest cluster is an outlier.
    """
    series = _filled(np.log(_normalised(observation)))
    outside = np.zeros(len(series), bool)
    for column in range(series.shape[1]):
        lines = series[:, column]
        distance = float(np.median(np.linalg.norm(lines - np.median(lines, axis=0), axis=1)))
        labels = DBSCAN(eps=max(tolerance * distance, 1e-6), min_samples=3).fit_predict(lines)
        sizes = np.bincount(labels[labels >= 0], minlength=1)
        outside |= (labels != sizes.argmax()) if sizes.max() else True
    return outside


def isolation_forest(observation: Observation, tolerance: float) -> Flags:
    """scikit-learn's IsolationForest on level, spread and slope of each signal's ratio to its baseline."""
    logs = np.log(_normalised(observation))
    level = median(logs)
    spread = median(np.abs(logs - level[..., None]))
    half = logs.shape[-1] // 2
    slope = median(logs[..., half:]) - median(logs[..., :half])
    features = np.nan_to_num(np.concatenate([level, spread, slope], axis=1))
    forest = IsolationForest(n_estimators=100, random_state=0).fit(features)
    return np.asarray(-forest.score_samples(features) > tolerance)


def own_history(observation: Observation, tolerance: float) -> Flags:
    """Bands around a service's own past, without peers: outside at half of the points."""
    floor = _floors(observation)
    past = np.log(observation.past + floor[:, None])
    baseline = median(np.ascontiguousarray(past.swapaxes(2, 3)))
    left = past - baseline[:, :, None]
    spread = 1.4826 * median(np.abs(left).reshape(*left.shape[:2], -1))
    away = np.abs(np.log(observation.now + floor) - baseline)
    return _worst_signal(away / np.maximum(spread, np.float32(0.01))[..., None]) > tolerance


RIVALS: Final = (
    Rival("MAD, normalised", normalised_mad, (1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 3.5), 2.0),
    Rival("MAD", mad, (1.5, 2.0, 3.0, 4.0, 5.0, 7.0), 3.0),
    Rival("DBSCAN, normalised", dbscan, (1.2, 1.4, 1.7, 2.0, 2.5, 3.0), 2.0),
    Rival("IsolationForest", isolation_forest, (0.45, 0.5, 0.525, 0.55, 0.6), 0.525),
    Rival("own history", own_history, (1.5, 2.0, 2.5, 3.0, 4.0), 2.5),
)


def _floors(observation: Observation) -> Array:
    return np.array([signal.floor for signal in observation.signals], dtype=np.float32)[:, None]


def _normalised(observation: Observation) -> Array:
    """Each point over the same minute's median of earlier days, with Andén's floors, which help with zeros."""
    baseline = median(np.ascontiguousarray(observation.past.swapaxes(2, 3)))
    return np.asarray((observation.now + _floors(observation)) / (baseline + _floors(observation)))


def _deviations(values: Array) -> Array:
    across = np.ascontiguousarray(np.moveaxis(values, 0, -1))
    distance = np.abs(across - median(across)[..., None])
    spread = 1.4826 * median(distance)
    return np.moveaxis(distance / np.maximum(spread, np.float32(1e-6))[..., None], -1, 0)


def _worst_signal(away: Array) -> Array:
    """The distance exceeded by half of the points, for the signal where it is largest."""
    return np.asarray(np.nan_to_num(median(np.ascontiguousarray(away))).max(axis=1))


def _filled(series: Array) -> Array:
    across = np.ascontiguousarray(np.moveaxis(series, 0, -1))
    return np.where(np.isnan(series), np.nan_to_num(median(across))[None], series)
