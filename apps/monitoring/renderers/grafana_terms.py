"""Our words in Grafana's: units, colours, addresses of pages."""

from typing import Final, TypedDict

from apps.monitoring.dashboards.model import (
    UID_PREFIX,
    DashboardLink,
    Panel,
    ResourceVariable,
    Status,
    Thresholds,
    Unit,
    ValueMapping,
    Variable,
)
from apps.monitoring.renderers.provisioning import CLOUDWATCH, PROMETHEUS

COLOURS: Final[dict[Status, str]] = {
    "neutral": "#8E99A8",
    "ok": "green",
    "warning": "orange",
    "critical": "red",
    "unknown": "#5A6470",
}
"""The only colours of all pages. Named ones follow the reader's light or dark theme."""
CLEAR: Final = "transparent"
DIMMED: Final = "#B8C0CC"

UNITS: Final[dict[Unit, str]] = {
    Unit.SECONDS: "s",
    Unit.MILLISECONDS: "ms",
    Unit.BYTES: "bytes",
    Unit.BYTES_PER_SECOND: "Bps",
    Unit.RATIO: "percentunit",
    Unit.PERCENT: "percent",
    Unit.COUNT: "short",
    Unit.PER_SECOND: "cps",
    Unit.RECORDS_PER_SECOND: "recps",
    Unit.REQUESTS_PER_SECOND: "reqps",
    Unit.FACTOR: "suffix: ×",
    Unit.SCORE: "none",
    Unit.DOLLARS: "currencyUSD",
    Unit.STATE: "none",
}
"""Source: https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts"""

SOURCES: Final = {
    "prometheus": ("Prometheus", PROMETHEUS, "Andén Prometheus"),
    "cloudwatch": ("CloudWatch", CLOUDWATCH, "Andén CloudWatch"),
}
"""By the type of data source, which is the name of its variable, too: label, uid, name."""
REGION: Final = "default"
"""CloudWatch is asked in the region of the data source."""


def dashboard_path(page: str) -> str:
    """The address of a page; Grafana puts its own root before it."""
    return f"/d/{UID_PREFIX}{page}"


def panel_link_url(link: DashboardLink) -> str:
    """Where a panel's title leads: the page with the same time range and all variables."""
    return f"{dashboard_path(link.dashboard)}?${{__url_time_range}}&${{__all_variables}}"


def data_link_url(link: DashboardLink, panel: Panel) -> str:
    """Where a click on a value leads: the page, for the label's value where one is picked, with source and time."""
    if not link.label:
        return panel_link_url(link)
    source = "cloudwatch" if panel.is_aws else "prometheus"
    chosen = f"var-{link.label}={_picked(link, panel)}"
    return f"{dashboard_path(link.dashboard)}?{chosen}&${{{source}:queryparam}}&${{__url_time_range}}"


def _picked(link: DashboardLink, panel: Panel) -> str:
    if panel.visualization != "table":
        return f"${{__field.labels.{link.label}:percentencode}}"
    title = next(column.title for column in panel.columns if column.field == link.label)
    return f'${{__data.fields["{title}"]:percentencode}}'


def color_steps(thresholds: Thresholds, *, calm: bool = False) -> list[tuple[float | None, str]]:
    """From which value on a number has which colour; the first holds for whatever is below.

    With `calm` only trouble has a colour.
    """
    colours = {**COLOURS, "ok": CLEAR, "neutral": CLEAR} if calm else COLOURS
    return [(None, colours[thresholds.base]), *((value, colours[state]) for value, state in thresholds.steps)]


class MappingResult(TypedDict):
    """What Grafana shows in place of a number."""

    text: str
    color: str
    index: int


def mappings_by_value(value_mappings: tuple[ValueMapping, ...]) -> dict[str, MappingResult]:
    """What is shown in place of each number that stands for a word."""
    return {
        f"{each.value:g}": MappingResult(text=each.text, color=COLOURS[each.state], index=index)
        for index, each in enumerate(value_mappings)
    }


def label_query(variable: Variable) -> dict[str, object]:
    """What a variable asks Prometheus: the values of a label, or the series of a query with their labels."""
    ranked = f"query_result({variable.query})"
    text = ranked if variable.ranked else f"label_values({variable.query}, {variable.label})"
    return {"qryType": 5, "query": text, "refId": "PrometheusVariableQueryEditor-VariableQuery"}


def resource_query(variable: ResourceVariable) -> dict[str, object]:
    """What a variable asks CloudWatch: the values that a dimension has."""
    return {
        "queryType": "dimensionValues",
        "namespace": variable.metric.namespace,
        "metricName": variable.metric.name,
        "dimensionKey": variable.dimension,
        "dimensionFilters": {},
        "region": REGION,
        "refId": "CloudWatchVariableQueryEditor-VariableQuery",
    }
