"""Dashboards as CloudWatch dashboard bodies: the second renderer of the same definitions.

Renders only panels with CloudWatch data. Panels search for metrics by dimension, so a body names no resource and works
in any account. The region is a placeholder, filled before the upload.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from collections.abc import Iterator
from typing import Any, Final

from apps.cloudwatch.catalogue.metric import AwsMetric
from apps.monitoring.dashboards.model import GRID, CloudWatchQuery, Dashboard, Panel, PanelRow, Status, Thresholds
from apps.monitoring.renderers.provisioning import REGION, as_json

PERIOD_S: Final = 60
COLOURS: Final[dict[Status, str]] = {
    "neutral": "#7f7f7f",
    "ok": "#2ca02c",
    "warning": "#ff7f0e",
    "critical": "#d62728",
    "unknown": "#c7c7c7",
}
"""CloudWatch has no names for these colours."""
WORDS: Final[dict[Status, str]] = {"warning": "warning", "critical": "critical"}


def cloudwatch_json(dashboard: Dashboard) -> str:
    """The body for PutDashboard, with a placeholder for the region."""
    return as_json({"start": "-PT6H", "periodOverride": "auto", "widgets": list(_widgets(dashboard))})


def _widgets(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    yield _text(f"# {dashboard.title}\n{dashboard.question}", y=0, height=2)
    y = 2
    for row in dashboard.rows:
        panels = [panel for panel in row.panels if panel.is_aws]
        if panels:
            yield _text(f"## {row.title}", y=y, height=1)
            yield from _line_by_line(panels, row, y + 1)
            y += 1 + row.height * _lines(panels)


def _text(markdown: str, *, y: int, height: int) -> dict[str, Any]:
    return {
        "type": "text",
        "x": 0,
        "y": y,
        "width": GRID,
        "height": height,
        "properties": {"markdown": markdown, "background": "transparent"},
    }


def _line_by_line(panels: list[Panel], row: PanelRow, y: int) -> Iterator[dict[str, Any]]:
    x = 0
    for panel in panels:
        if x + panel.width > GRID:
            x, y = 0, y + row.height
        yield {
            "type": "metric",
            "x": x,
            "y": y,
            "width": panel.width,
            "height": row.height,
            "properties": _properties(panel),
        }
        x += panel.width


def _lines(panels: list[Panel]) -> int:
    lines, x = 1, 0
    for panel in panels:
        lines, x = (lines + 1, panel.width) if x + panel.width > GRID else (lines, x + panel.width)
    return lines


def _properties(panel: Panel) -> dict[str, Any]:
    targets = [target for target in panel.queries if isinstance(target, CloudWatchQuery)]
    axis = {"label": panel.unit.value, "showUnits": False}
    return {
        "title": panel.title,
        "region": REGION,
        "view": "singleValue" if panel.visualization == "stat" else "timeSeries",
        "period": PERIOD_S,
        "stat": targets[0].statistic,
        "metrics": [[_searched(target, number)] for number, target in enumerate(targets, start=1)],
        **({} if panel.visualization == "stat" else {"yAxis": {"left": axis}, "legend": {"position": "bottom"}}),
        **_annotations(panel.thresholds),
    }


def _searched(target: CloudWatchQuery, number: int) -> dict[str, str]:
    metric = target.metric
    schema = ",".join([metric.namespace, *(f'"{name}"' if " " in name else name for name in metric.dimensions)])
    found = f"SEARCH('{{{schema}}} MetricName=\"{metric.name}\"', '{target.statistic}', {PERIOD_S})"
    return {
        "id": f"e{number}",
        "expression": found,
        "label": f"{target.legend} {_dimensions(metric)}",
        "region": REGION,
    }


def _dimensions(metric: AwsMetric) -> str:
    """The dimension values that distinguish the series of a search."""
    return " ".join(f"${{PROP('Dim.{name}')}}" for name in metric.dimensions)


def _annotations(thresholds: Thresholds) -> dict[str, Any]:
    """Thresholds as coloured lines; falling ones shade the area below."""
    falling = thresholds.base == "critical"
    steps = [(value, "critical" if falling and status == "warning" else status) for value, status in thresholds.steps]
    lines = [
        {"value": value, "color": COLOURS[status], "label": WORDS[status], "fill": "below" if falling else "above"}
        for value, status in steps
        if status in WORDS
    ]
    return {"annotations": {"horizontal": lines}} if lines else {}
