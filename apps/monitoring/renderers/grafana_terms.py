"""Units, colours, links and variables in Grafana's terms."""

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
"""The only colours in use. Named colours follow the light or dark theme."""
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
"""Label, uid and name by data source type, which is also the name of its variable."""
REGION: Final = "default"
"""Query CloudWatch in the data source's region."""


def dashboard_path(dashboard: str) -> str:
    """The dashboard's path; Grafana prepends its root URL."""
    return f"/d/{UID_PREFIX}{dashboard}"


def panel_link_url(link: DashboardLink) -> str:
    """The link of a panel's title: keeps the time range and all variables."""
    return f"{dashboard_path(link.dashboard)}?${{__url_time_range}}&${{__all_variables}}"


def data_link_url(link: DashboardLink, panel: Panel) -> str:
    """The data link of a value: keeps data source and time range, and passes the label's value if the link has one."""
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


def color_steps(thresholds: Thresholds, *, muted: bool = False) -> list[tuple[float | None, str]]:
    """The colour from each value on; the first applies below all others.

    With `muted`, ok and neutral are transparent.
    """
    colours = {**COLOURS, "ok": CLEAR, "neutral": CLEAR} if muted else COLOURS
    return [(None, colours[thresholds.base]), *((value, colours[status]) for value, status in thresholds.steps)]


class MappingResult(TypedDict):
    """What Grafana shows instead of a number."""

    text: str
    color: str
    index: int


def mappings_by_value(value_mappings: tuple[ValueMapping, ...]) -> dict[str, MappingResult]:
    """The mapping results by value."""
    return {
        f"{each.value:g}": MappingResult(text=each.text, color=COLOURS[each.state], index=index)
        for index, each in enumerate(value_mappings)
    }


def label_query(variable: Variable) -> dict[str, object]:
    """A variable's Prometheus query: a label's values, or a query's series with their labels."""
    ranked = f"query_result({variable.query})"
    text = ranked if variable.ranked else f"label_values({variable.query}, {variable.label})"
    return {"qryType": 5, "query": text, "refId": "PrometheusVariableQueryEditor-VariableQuery"}


def resource_query(variable: ResourceVariable) -> dict[str, object]:
    """A variable's CloudWatch query: a dimension's values."""
    return {
        "queryType": "dimensionValues",
        "namespace": variable.metric.namespace,
        "metricName": variable.metric.name,
        "dimensionKey": variable.dimension,
        "dimensionFilters": {},
        "region": REGION,
        "refId": "CloudWatchVariableQueryEditor-VariableQuery",
    }
