"""The rows of the heat map: a service each, or many services to a row where the fleet is larger than a screen."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.engine.observation import Floats

ROWS: Final = 50
"""Rows at most."""
NAMED: Final = 24
"""Rows that stay services of their own where the rest shares rows."""


def ranked(states: NDArray[np.int8], scores: Floats) -> NDArray[np.int64]:
    """Services from the worst to the best: outliers, those without data, then by the newest score.

    `scores` is services × times.
    """
    newest = scores[:, -1] if scores.shape[1] else np.full(len(scores), np.nan, dtype=np.float32)
    # In a row that many share, calm neighbours would hide who has no data.
    return np.lexsort((-newest, states != ServiceState.NO_DATA, states != ServiceState.OUTLIER))


def rows(names: tuple[str, ...], order: NDArray[np.int64], scores: Floats) -> tuple[Floats, tuple[str, ...]]:
    """The heat, rows × times, and the label of each row.

    A row that stands for many shows their worst score at each time.
    """
    if len(names) <= ROWS:
        return scores[order], tuple(names[index] for index in order)
    named, shared = order[:NAMED], np.array_split(order[NAMED:], ROWS - NAMED)
    heat = np.vstack([scores[named], *(_worst(scores[group])[None] for group in shared)])
    labels = (*(names[index] for index in named), *(f"{len(group):,} services" for group in shared))
    return heat, labels


def _worst(scores: Floats) -> Floats:
    """The highest score at each time; NaN only where nobody has data."""
    known = np.where(np.isnan(scores), -np.inf, scores).max(axis=0)
    return np.where(np.isinf(known), np.nan, known).astype(np.float32)
