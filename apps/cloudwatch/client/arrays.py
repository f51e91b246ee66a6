"""Answers of CloudWatch as arrays: one value for each period of a window, NaN where nothing is known."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from apps.cloudwatch.client.metered import MeteredCloudWatch
from apps.cloudwatch.collector.batching import QueryWindow
from apps.cloudwatch.collector.queries import Labels, MetricQuery, Point

Floats = npt.NDArray[np.float32]


def fetch_arrays(
    cloudwatch: MeteredCloudWatch, queries: Sequence[MetricQuery], window: QueryWindow
) -> dict[Labels, Floats]:
    """For each series that has any point its values, one a period of the window; NaN is missing, never zero.

    Keys are the queries' labels, and one label more for what a SEARCH found.
    Raises BudgetSpent, SourceUnavailable, SourceRefused.
    """
    found: dict[Labels, Floats] = {}
    for answer in cloudwatch.ask(queries, window):
        found.update({labels: _row(points, window) for labels, points in answer.points.items()})
    return found


def _row(points: Iterable[Point], window: QueryWindow) -> Floats:
    row = np.full(window.points, np.nan, dtype=np.float32)
    for at_s, value in points:
        place = int((at_s - window.start_s) // window.period_s)
        if 0 <= place < len(row):
            row[place] = value
    return row
