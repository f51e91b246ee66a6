"""Metrics of the fake CloudWatch: observations that become visible late, and their statistics."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from apps.cloudwatch.catalogue.statistics import percentile
from apps.cloudwatch.collector.queries import Point

DAY_S: Final = 86_400
RETENTION: Final = ((63 * DAY_S, 3600), (15 * DAY_S, 300), (3 * 3600, 60))
"""(age, multiple): points older than `age` seconds exist only for periods that are multiples of `multiple` seconds."""

SEARCH: Final = re.compile(
    r"^SEARCH\(\s*'\{(?P<schema>[^}]+)\}\s*(?P<terms>[^']*)',\s*'(?P<stat>[^']+)'(,\s*\d+)?\s*\)$"
)
TERM: Final = re.compile(r"^(?:(?P<name>\"[^\"]+\"|[\w.]+)\s*=\s*)?(?P<value>\"[^\"]+\"|[\w./-]+)$")
WORD: Final = re.compile(r"(?:\"[^\"]+\"|[^\s\"=]+)(?:=(?:\"[^\"]+\"|[^\s\"]+))?")

PLAIN: Final[dict[str, Callable[[list[float]], float]]] = {
    "Average": lambda values: sum(values) / len(values),
    "Sum": sum,
    "Minimum": min,
    "Maximum": max,
    "SampleCount": lambda values: float(len(values)),
}


@dataclass(frozen=True, slots=True)
class Series:
    """The identity of a metric."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Observation:
    at_s: float
    value: float
    visible_s: float


@dataclass(slots=True)
class FakeMetrics:
    """Stores observations and computes statistics of the visible ones."""

    _series: defaultdict[Series, list[_Observation]] = field(default_factory=lambda: defaultdict(list))

    def put(self, series: Series, at_s: float, values: Iterable[float], *, visible_s: float = float("-inf")) -> None:
        """Observe values at `at_s`, visible from `visible_s`."""
        self._series[series].extend(_Observation(at_s, value, visible_s) for value in values)

    def points(
        self, series: Series, *, start_s: float, end_s: float, period_s: int, statistic: str, now_s: float
    ) -> list[Point]:
        """The statistic of each period with visible observations, oldest first; other periods are missing."""
        if is_expired(start_s, period_s=period_s, now_s=now_s):
            return []
        first = math.floor(start_s / period_s) * period_s
        periods: defaultdict[float, list[float]] = defaultdict(list)
        for one in self._series.get(series, ()):
            if one.visible_s <= now_s and first <= one.at_s < end_s:
                periods[math.floor(one.at_s / period_s) * period_s].append(one.value)
        return [(at_s, _statistic(values, statistic)) for at_s, values in sorted(periods.items())]

    def search(self, expression: str) -> tuple[list[Series], str]:
        """The series that a SEARCH finds, in a stable order, and its statistic.

        Raises ValueError: not a SEARCH that this fake supports.
        """
        found = SEARCH.match(expression.strip())
        if not found:
            raise ValueError("Error in expression: only SEARCH is supported")
        namespace, *names = [part.strip().strip('"') for part in found["schema"].split(",")]
        terms = [_term(word) for word in WORD.findall(found["terms"])]
        matching = [
            series
            for series in self._series
            if series.namespace == namespace
            and {name for name, _ in series.dimensions} == set(names)
            and all(test(series) for test in terms)
        ]
        return sorted(matching, key=lambda one: (one.name, sorted(one.dimensions))), found["stat"]


def is_expired(start_s: float, *, period_s: int, now_s: float) -> bool:
    """Whether points of this period have expired for a window that starts at this time."""
    for age_s, multiple in RETENTION:
        if now_s - start_s > age_s:
            return period_s % multiple != 0
    return False


def label_of(series: Series, wanted: str) -> str:
    """CloudWatch's label of a series: the requested one, with ${PROP('Dim.…')} expanded, or the metric's name."""
    dimensions = dict(series.dimensions)
    return re.sub(r"\$\{PROP\('Dim\.([^']+)'\)\}", lambda found: dimensions.get(found[1], ""), wanted) or series.name


def series_of(metric: Mapping[str, Any]) -> Series:
    """The series that a query's Metric names."""
    return Series(
        str(metric["Namespace"]),
        str(metric["MetricName"]),
        frozenset((str(one["Name"]), str(one["Value"])) for one in metric.get("Dimensions") or ()),
    )


def _term(word: str) -> Callable[[Series], bool]:
    found = TERM.match(word)
    if not found:
        raise ValueError(f"Error in expression: unsupported term {word}")
    name, value = (found["name"] or "").strip('"'), found["value"].strip('"')
    if name == "MetricName":
        return lambda series: series.name == value
    if name:
        return lambda series: (name, value) in series.dimensions
    return lambda series: value == series.name or value in {dimension for _, dimension in series.dimensions}


def _statistic(values: list[float], statistic: str) -> float:
    share = percentile(statistic)
    if share is not None:
        return _percentile(sorted(values), share)
    return PLAIN[statistic](values)


def _percentile(ordered: list[float], share: float) -> float:
    """Interpolated linearly between the two nearest ranks."""
    rank = (len(ordered) - 1) * share / 100
    low, high = math.floor(rank), math.ceil(rank)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)
