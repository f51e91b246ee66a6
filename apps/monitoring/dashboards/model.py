"""What a dashboard is made of, whoever draws it: no word of Grafana's, no word of CloudWatch's."""

import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from apps.cloudwatch.catalogue.metric import AwsMetric, Resource
from apps.telemetry.promql import PromqlQuery

GRID: Final = 24
"""Columns of a page: Grafana's and CloudWatch's alike."""
UID_PREFIX: Final = "anden-"
"""What the uid of everything that is ours begins with."""

Status = Literal["neutral", "ok", "warning", "critical", "unknown"]
"""What a colour may mean; there are no other colours."""
Visualization = Literal["stat", "timeseries", "table", "heatmap", "timeline"]


class Unit(StrEnum):
    """What a number counts; a ratio of 0.05 is shown as 5 %."""

    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    BYTES = "bytes"
    BYTES_PER_SECOND = "bytes/s"
    RATIO = "ratio"
    PERCENT = "percent"
    COUNT = "count"
    PER_SECOND = "/s"
    RECORDS_PER_SECOND = "records/s"
    REQUESTS_PER_SECOND = "requests/s"
    FACTOR = "factor"
    SCORE = "score"
    DOLLARS = "dollars"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which value on a number means which state; `base` holds below the first step."""

    base: Status = "neutral"
    steps: tuple[tuple[float, Status], ...] = ()


NEUTRAL: Final = Thresholds()


def rising(watch: float, bad: float) -> Thresholds:
    """Well below `watch`, bad from `bad` on: the more, the worse."""
    return Thresholds("ok", ((watch, "warning"), (bad, "critical")))


def falling(watch: float, bad: float) -> Thresholds:
    """Bad below `bad`, well from `watch` on: the less, the worse."""
    return Thresholds("critical", ((bad, "warning"), (watch, "ok")))


def zero_expected(bad: float = 1) -> Thresholds:
    """Well at zero, bad from `bad` on: there is nothing between."""
    return Thresholds("ok", ((bad, "critical"),))


@dataclass(frozen=True, slots=True)
class ValueMapping:
    """A number that stands for a word: 2 is "no data"."""

    value: float
    text: str
    state: Status


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """One PromQL query of a panel.

    `legend` names its series, with {{label}} for a label's value. `instant` asks for now alone. Tables show the
    labels of `instant` targets as columns, and the course of others as a small line per row.
    """

    query: PromqlQuery
    legend: str
    instant: bool = False


@dataclass(frozen=True, slots=True)
class CloudWatchQuery:
    """One CloudWatch metric with one statistic, for the resource that the page's variable names.

    `legend` is in words; renderers add the dimensions that tell its series apart.
    """

    metric: AwsMetric
    statistic: str
    legend: str


@dataclass(frozen=True, slots=True)
class DashboardLink:
    """A way from a panel to the page with the answer, with time range and variables.

    `label` hands on the label's value of the series or row that was clicked, as the variable of that name there.
    """

    title: str
    dashboard: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table: the label `field`, or "value" or "trend" for what an instant or a ranging target says."""

    field: str
    title: str
    unit: Unit | None = None
    thresholds: Thresholds = NEUTRAL
    value_mappings: tuple[ValueMapping, ...] = ()
    width: int | None = None
    order: Literal["", "up", "down"] = ""
    """Rows are ordered by the column that says so."""


@dataclass(frozen=True, slots=True)
class SeriesOverride:
    """Series whose whole name matches the pattern have this thresholds; without one they are dimmed: context only."""

    pattern: str
    thresholds: Thresholds | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """One question and its answer; the titles of a page are all different."""

    title: str
    description: str
    visualization: Visualization
    unit: Unit
    queries: tuple[PanelQuery | CloudWatchQuery, ...]
    width: int
    thresholds: Thresholds = NEUTRAL
    value_mappings: tuple[ValueMapping, ...] = ()
    links: tuple[DashboardLink, ...] = ()
    columns: tuple[TableColumn, ...] = ()
    series_overrides: tuple[SeriesOverride, ...] = ()
    repeat: str = ""
    """The variable whose values each get a copy of this panel."""
    decimals: int | None = None
    minimum: float | None = 0
    maximum: float | None = None
    points: int | None = None
    """At how many moments its queries are evaluated at most; Grafana's own choice is one a pixel."""

    @property
    def id(self) -> int:
        """A number that stays as long as the title does, wherever the panel moves."""
        return zlib.crc32(self.title.encode()) & 0x3FFFFFFF

    @property
    def is_aws(self) -> bool:
        """Whether CloudWatch answers it."""
        return isinstance(self.queries[0], CloudWatchQuery)


@dataclass(frozen=True, slots=True)
class PanelRow:
    """Panels under one heading, from left to right; every line fills the grid."""

    title: str
    panels: tuple[Panel, ...]
    height: int = 8

    @property
    def id(self) -> int:
        """As a panel's: from the title."""
        return zlib.crc32(f"row {self.title}".encode()) & 0x3FFFFFFF


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a page: the values of a label among the series of a query.

    `many` allows several and all of them; `ranked` keeps the query's order and follows the time range.
    """

    name: str
    title: str
    query: PromqlQuery
    label: str
    many: bool = False
    ranked: bool = False


@dataclass(frozen=True, slots=True)
class ResourceVariable:
    """A choice of an AWS resource: the values that a dimension of the metric has in CloudWatch."""

    resource: Resource
    title: str
    metric: AwsMetric
    dimension: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page; `answers` is the question it answers, in one sentence."""

    name: str
    title: str
    question: str
    rows: tuple[PanelRow, ...]
    variables: tuple[Variable | ResourceVariable, ...] = ()
    time_from: str = "now-6h"
    links: tuple[DashboardLink, ...] = ()
    """Where the page says more."""

    @property
    def uid(self) -> str:
        """What it is called for ever, in every Grafana."""
        return UID_PREFIX + self.name

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels from top to bottom."""
        return tuple(panel for row in self.rows for panel in row.panels)
