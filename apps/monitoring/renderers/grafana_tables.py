"""Table transformations (join, rename, order columns) and field overrides for Grafana."""

from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_uppercase

from apps.monitoring.dashboards.model import Panel, PanelQuery, SeriesOverride, TableColumn, Thresholds, ValueMapping
from apps.monitoring.renderers.grafana_terms import COLOURS, DIMMED, UNITS, color_steps, mappings_by_value

Properties = dict[str, object]


@dataclass(frozen=True, slots=True)
class Transformation:
    """One transformation of a table's results; `only` limits it to one query."""

    name: str
    options: Properties
    only: str = ""


def transformations(panel: Panel) -> Iterator[Transformation]:
    """The transformations of a table, in order."""
    if panel.visualization != "table":
        return
    courses = _letters(panel, instant=False)
    for letter in courses:
        yield Transformation("timeSeriesTable", {letter: {"stat": "lastNotNull", "timeField": "Time"}}, only=letter)
    if courses:
        yield Transformation("joinByField", {"byField": panel.columns[0].field, "mode": "outer"})
    elif len(panel.queries) > 1:
        yield Transformation("merge", {})
    fields = {_field(panel, column): column.title for column in panel.columns}
    times = ["Time", *(f"Time {number}" for number in range(1, len(panel.queries) + 1))]
    yield Transformation(
        "organize",
        {
            "excludeByName": dict.fromkeys(times, True),
            "indexByName": {name: index for index, name in enumerate(fields)},
            "renameByName": fields,
        },
    )


def overrides(panel: Panel) -> Iterator[tuple[str, str, Properties]]:
    """Field overrides of the panel: matcher, name of the column or series, properties."""
    for column in panel.columns:
        if properties := _column(column):
            yield "byName", column.title, properties
    for emphasis in panel.series_overrides:
        yield "byRegexp", f"/^{emphasis.pattern}$/", _emphasis(emphasis)


def _letters(panel: Panel, *, instant: bool) -> list[str]:
    """The letters of the instant queries, or of the range queries."""
    lettered = zip(ascii_uppercase, panel.queries, strict=False)
    return [letter for letter, each in lettered if (isinstance(each, PanelQuery) and each.instant) == instant]


def _field(panel: Panel, column: TableColumn) -> str:
    """Grafana's name of the column before renaming."""
    tables = _letters(panel, instant=True)
    match column.field.split():
        case ["value"]:
            return "Value" if len(tables) == 1 else f"Value #{tables[0]}"
        case ["value", letter]:
            return f"Value #{letter}"
        case ["trend"]:
            return f"Trend #{_letters(panel, instant=False)[0]}"
        case _:
            return column.field


def _column(column: TableColumn) -> Properties:
    properties: Properties = {}
    if column.unit is not None:
        properties["unit"] = UNITS[column.unit]
    if column.width is not None:
        properties["custom.width"] = column.width
    if column.value_mappings:
        properties["mappings"] = _mappings(column.value_mappings)
    if column.thresholds.steps:
        properties["thresholds"] = _thresholds(column.thresholds)
    if column.thresholds.steps or column.value_mappings:
        properties["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
    if column.field == "trend":
        properties["custom.cellOptions"] = {"type": "sparkline", "hideValue": True, "lineColor": COLOURS["neutral"]}
    return properties


def _emphasis(emphasis: SeriesOverride) -> Properties:
    if emphasis.thresholds is not None:
        return {"thresholds": _thresholds(emphasis.thresholds)}
    return {
        "color": {"mode": "fixed", "fixedColor": DIMMED},
        "custom.lineWidth": 1,
        "custom.lineStyle": {"fill": "dash", "dash": [4, 6]},
    }


def _thresholds(thresholds: Thresholds) -> Properties:
    return {
        "mode": "absolute",
        "steps": [{"value": value, "color": colour} for value, colour in color_steps(thresholds)],
    }


def _mappings(value_mappings: tuple[ValueMapping, ...]) -> list[Properties]:
    return [{"type": "value", "options": mappings_by_value(value_mappings)}]
