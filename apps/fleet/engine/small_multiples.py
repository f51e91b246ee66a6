"""What is stored of an observation: the median of each signal, and the series of the worst flags."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.evaluation import Evaluation, OutlierFlag
from apps.fleet.engine.observation import Floats, Observation
from apps.fleet.engine.packing import as_json, number_or_null
from apps.fleet.engine.view import MAX_SMALL_MULTIPLES


def medians(values: Floats) -> Floats:
    """The median over the last axis; NaN without data."""
    ordered = np.sort(values, axis=-1)  # NaN sorts last
    count = np.isfinite(ordered).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, ordered.shape[-1] - 1), axis=-1)
    return np.asarray(((low + high) / 2)[..., 0], dtype=np.float32)


def last_data_s(observation: Observation) -> NDArray[np.float64]:
    """When each service last had data within the current window, epoch seconds; NaN if it had none."""
    there: NDArray[np.bool_] = np.asarray(np.isfinite(observation.now).any(axis=1))
    last = there.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1)
    return np.where(there.any(axis=1), observation.times_s[last], np.nan)


def first_of_each(flags: tuple[OutlierFlag, ...]) -> Iterator[OutlierFlag]:
    """The worst flag of each flagged service, the worst first; flags that a zone event explains come last."""
    seen = set()
    for flag in sorted(flags, key=lambda flag: flag.zone != ""):
        if flag.service not in seen:
            seen.add(flag.service)
            yield flag


def multiples(observation: Observation, evaluation: Evaluation) -> list[dict[str, Any]]:
    """The series of the worst flags with their peer bands, as JSON: the fields of `SmallMultiple`."""
    rows = {service: row for row, service in enumerate(observation.services)}
    columns = {signal.name: column for column, signal in enumerate(observation.signals)}
    worst = [flag for flag, _ in zip(first_of_each(evaluation.flags), range(MAX_SMALL_MULTIPLES), strict=False)]
    return [
        {
            "flag": as_json(flag),
            "times_s": [float(at_s) for at_s in observation.times_s],
            "values": _numbers(observation.now[rows[flag.service], columns[flag.signal]]),
            "low": _numbers(evaluation.peer_low[columns[flag.signal]] * flag.baseline),
            "median": _numbers(evaluation.peer_median[columns[flag.signal]] * flag.baseline),
            "high": _numbers(evaluation.peer_high[columns[flag.signal]] * flag.baseline),
        }
        for flag in worst
        if flag.service in rows and flag.signal in columns
    ]


def _numbers(values: Floats) -> list[float | None]:
    return [number_or_null(float(f"{value:.6g}")) for value in values.tolist()]
