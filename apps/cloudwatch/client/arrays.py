"""CloudWatch series as arrays: one value per period of a window, NaN where there is no point."""

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
    """The values of each series that has any point, one per period of the window; NaN means missing, never zero.

    Keys are the queries' labels, plus one label for each series that a SEARCH found.
    Raises BudgetSpent, SourceUnavailable, SourceRefused.
    """
    found: dict[Labels, Floats] = {}
    for call in cloudwatch.fetch(queries, window):
        found.update({labels: _row(points, window) for labels, points in call.points.items()})
    return found


def _row(points: Iterable[Point], window: QueryWindow) -> Floats:
    row = np.full(window.points, np.nan, dtype=np.float32)
    for at_s, value in points:
        index = int((at_s - window.start_s) // window.period_s)
        if 0 <= index < len(row):
            row[index] = value
    return row
