"""The rows of the heatmap: one per service, or several services per row if the fleet is larger than a screen."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.engine.observation import Floats

ROWS: Final = 50
"""Maximum number of rows."""
NAMED: Final = 24
"""Rows with a single service when the others are shared."""


def ranked(states: NDArray[np.int8], scores: Floats) -> NDArray[np.int64]:
    """Services, the worst first: outliers, those without data, then by newest score.

    `scores` is services × times.
    """
    newest = scores[:, -1] if scores.shape[1] else np.full(len(scores), np.nan, dtype=np.float32)
    # In a shared row, healthy neighbours would hide a service without data.
    return np.lexsort((-newest, states != ServiceState.NO_DATA, states != ServiceState.OUTLIER))


def rows(names: tuple[str, ...], order: NDArray[np.int64], scores: Floats) -> tuple[Floats, tuple[str, ...]]:
    """The heatmap, rows × times, and the label of each row.

    A shared row shows the worst score of its services at each time.
    """
    if len(names) <= ROWS:
        return scores[order], tuple(names[index] for index in order)
    named, shared = order[:NAMED], np.array_split(order[NAMED:], ROWS - NAMED)
    heat = np.vstack([scores[named], *(_worst(scores[group])[None] for group in shared)])
    labels = (*(names[index] for index in named), *(f"{len(group):,} services" for group in shared))
    return heat, labels


def _worst(scores: Floats) -> Floats:
    """The highest score at each time; NaN only if none of the services has data."""
    known = np.where(np.isnan(scores), -np.inf, scores).max(axis=0)
    return np.where(np.isinf(known), np.nan, known).astype(np.float32)
