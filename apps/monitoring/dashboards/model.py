"""Dashboards as values, independent of Grafana and CloudWatch."""

import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from apps.cloudwatch.catalogue.metric import AwsMetric, Resource
from apps.telemetry.promql import PromqlQuery

GRID: Final = 24
"""Columns of a dashboard, in Grafana and CloudWatch alike."""
UID_PREFIX: Final = "anden-"
"""The prefix of every uid that Andén manages."""

Status = Literal["neutral", "ok", "warning", "critical", "unknown"]
"""The meaning of a colour; panels use no other colours."""
Visualization = Literal["stat", "timeseries", "table", "heatmap", "timeline"]


class Unit(StrEnum):
    """The unit of a panel's values; a ratio of 0.05 is shown as 5 %."""

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
    """The status of a value: that of the highest step it reaches, or `base` below the first."""

    base: Status = "neutral"
    steps: tuple[tuple[float, Status], ...] = ()


NEUTRAL: Final = Thresholds()


def rising(watch: float, bad: float) -> Thresholds:
    """Higher is worse: ok below `warning`, critical from `critical`."""
    return Thresholds("ok", ((watch, "warning"), (bad, "critical")))


def falling(watch: float, bad: float) -> Thresholds:
    """Lower is worse: critical below `critical`, ok from `warning`."""
    return Thresholds("critical", ((bad, "warning"), (watch, "ok")))


def zero_expected(bad: float = 1) -> Thresholds:
    """Only zero is ok: critical from `critical`, without a warning in between."""
    return Thresholds("ok", ((bad, "critical"),))


@dataclass(frozen=True, slots=True)
class ValueMapping:
    """A number shown as text: 2 is "no data"."""

    value: float
    text: str
    state: Status


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """One PromQL query of a panel.

    `legend` names its series; {{label}} inserts a label's value. `instant` queries the current value only. Tables show
    labels of `instant` queries as columns, and other queries as a sparkline per row.
    """

    query: PromqlQuery
    legend: str
    instant: bool = False


@dataclass(frozen=True, slots=True)
class CloudWatchQuery:
    """One CloudWatch metric and statistic, for the resource that the dashboard's variable selects.

    Renderers add to `legend` the dimensions that distinguish its series.
    """

    metric: AwsMetric
    statistic: str
    legend: str


@dataclass(frozen=True, slots=True)
class DashboardLink:
    """A link to another dashboard that keeps time range and variables.

    `label` passes the label's value of the clicked series or row as the variable of that name.
    """

    title: str
    dashboard: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A table column: `field` is a label, "value" (of an instant query) or "trend" (of a range query)."""

    field: str
    title: str
    unit: Unit | None = None
    thresholds: Thresholds = NEUTRAL
    value_mappings: tuple[ValueMapping, ...] = ()
    width: int | None = None
    order: Literal["", "up", "down"] = ""
    """Sorts the rows by this column."""


@dataclass(frozen=True, slots=True)
class SeriesOverride:
    """Thresholds of series whose full name matches the pattern; without thresholds they are dimmed."""

    pattern: str
    thresholds: Thresholds | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel; titles are unique within a dashboard."""

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
    """The variable by whose values this panel repeats."""
    decimals: int | None = None
    minimum: float | None = 0
    maximum: float | None = None
    points: int | None = None
    """Maximum number of data points per query; Grafana's default is one per pixel."""

    @property
    def id(self) -> int:
        """A stable id, derived from the title: moving the panel does not change it."""
        return zlib.crc32(self.title.encode()) & 0x3FFFFFFF

    @property
    def is_aws(self) -> bool:
        """Whether its data comes from CloudWatch."""
        return isinstance(self.queries[0], CloudWatchQuery)


@dataclass(frozen=True, slots=True)
class PanelRow:
    """Panels under one heading, left to right; every line fills the grid."""

    title: str
    panels: tuple[Panel, ...]
    height: int = 8

    @property
    def id(self) -> int:
        """A stable id, derived from the title."""
        return zlib.crc32(f"row {self.title}".encode()) & 0x3FFFFFFF


@dataclass(frozen=True, slots=True)
class Variable:
    """A dashboard variable: the values of a label in a query's series.

    `many` allows multiple values and All; `ranked` keeps the query's order and refreshes with the time range.
    """

    name: str
    title: str
    query: PromqlQuery
    label: str
    many: bool = False
    ranked: bool = False


@dataclass(frozen=True, slots=True)
class ResourceVariable:
    """A dashboard variable for an AWS resource: the values of a dimension of the metric in CloudWatch."""

    resource: Resource
    title: str
    metric: AwsMetric
    dimension: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard; `question` is the question it answers, in one sentence."""

    name: str
    title: str
    question: str
    rows: tuple[PanelRow, ...]
    variables: tuple[Variable | ResourceVariable, ...] = ()
    time_from: str = "now-6h"
    links: tuple[DashboardLink, ...] = ()
    """Dashboards with more details."""

    @property
    def uid(self) -> str:
        """Its uid in every Grafana; never changes."""
        return UID_PREFIX + self.name

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, top to bottom."""
        return tuple(panel for row in self.rows for panel in row.panels)
